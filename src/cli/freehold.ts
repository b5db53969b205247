#!/usr/bin/env node
import { readFileSync } from 'node:fs';
import { CommanderError } from 'commander';

import { takeOverSettings } from '../config/settings.js';
import { scrubSecrets } from '../telemetry/scrub-secrets.js';
import { describeError, EXIT } from './cli-error.js';
import { hideArguments } from './hide-secrets.js';
import { program } from './program.js';

function readVersion(): string {
  const path = new URL('../../../package.json', import.meta.url);
  return (JSON.parse(readFileSync(path, 'utf8')) as { version: string }).version;
}

async function main(): Promise<number> {
  hideArguments(process.argv.slice(2));
  try {
    await takeOverSettings();
    await program(readVersion()).parseAsync();
    return EXIT.ok;
  } catch (error) {
    // Commander has printed what is wrong, or the help that was asked for.
    if (error instanceof CommanderError) return error.exitCode === 0 ? EXIT.ok : EXIT.usage;
    const { message, exitCode } = describeError(error);
    process.stderr.write(scrubSecrets(`freehold: ${message}\n`));
    return exitCode;
  }
}

process.exitCode = await main();
