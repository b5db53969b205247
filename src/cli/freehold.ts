#!/usr/bin/env node
import { readFileSync } from 'node:fs';
import { Command, CommanderError } from 'commander';

import { scrubSecrets } from '../config/scrub-secrets.js';
import { describeError, EXIT } from './cli-error.js';
import { backupCommands, dumpCommand, restoreCommand } from './client/backup-commands.js';
import { databaseCommands } from './client/database-commands.js';
import { customerCommands, inventoryCommands } from './client/list-commands.js';
import { operationCommands } from './client/operation-commands.js';
import { promotionCommands } from './client/promotion-commands.js';
import { relocationCommands } from './client/relocation-commands.js';
import { drillCommand } from './drill/drill-command.js';
import { fleetCommands } from './fleet/fleet-commands.js';
import { hideArguments, hideSecrets } from './hide-secrets.js';

/** The `freehold` command: the embedded fleet of this machine, and clients of any Freehold's API. */
function program(): Command {
  const freehold = new Command('freehold')
    .description('a PostgreSQL of their own for every customer, kept alive and backed up')
    .version(readVersion(), '--version')
    .showHelpAfterError('(freehold --help lists the commands, freehold <command> --help their options)')
    .configureHelp({ showGlobalOptions: true })
    .configureOutput({ outputError: (text, write) => write(hideSecrets(text)) });
  const commands = [
    ...fleetCommands(), databaseCommands(), backupCommands(), restoreCommand(), dumpCommand(), ...promotionCommands(), ...relocationCommands(), drillCommand(), operationCommands(), customerCommands(),
    ...inventoryCommands(),
  ];
  for (const command of commands) freehold.addCommand(command);
  throwInsteadOfExit(freehold);
  return freehold;
}

/** Commands that were made apart do not inherit these settings. */
function throwInsteadOfExit(command: Command): void {
  for (const child of command.commands) {
    child.copyInheritedSettings(command);
    throwInsteadOfExit(child);
  }
  command.exitOverride();
}

function readVersion(): string {
  const path = new URL('../../../package.json', import.meta.url);
  return (JSON.parse(readFileSync(path, 'utf8')) as { version: string }).version;
}

async function main(): Promise<number> {
  hideArguments(process.argv.slice(2));
  try {
    await program().parseAsync();
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
