import { Command, InvalidArgumentError } from 'commander';

import { withApi } from '../client/session.js';
import type { DrillFlags } from './drill.js';
import { FAULT_MEANINGS, parseFaults } from './faults.js';

const MOST_TIMES = 1_000;
const LONGEST_S = 3_600;

/** `freehold drill` */
export function drillCommand(): Command {
  const faults = Object.entries(FAULT_MEANINGS).map(([fault, meaning]) => `  ${fault.padEnd(16)}${meaning}`).join('\n');
  return withApi(new Command('drill').description('break a database of its own again and again, and measure what a client sees'))
    .requiredOption('--fault <fault>', 'what to break, see below; several at the same moment are joined by +', orInvalid(parseFaults))
    .option('--region <region>', 'where the canary lives', 'europe')
    .option('--times <n>', 'how often', orInvalid((text) => parseCount(text, MOST_TIMES)), 5)
    .option('--plan <plan>', 'the canary\'s plan')
    .option('--pooled', 'write through the endpoint that pools by transaction')
    .option('--data-dir <dir>', 'directory of the embedded fleet to break (FREEHOLD_DATA_DIR); without --url, also says which API to talk to')
    .option('--svg <file>', 'draw the rounds into this file')
    .option('--limit <seconds>', 'how long one round may take', orInvalid((text) => parseCount(text, LONGEST_S)), 120)
    .option('--keep', 'keep the canary for the next drill')
    .option('--yes', 'do not ask before something is broken that others use')
    .addHelpText('after', `\nFaults:\n${faults}`)
    .action(async (flags: DrillFlags, command: Command) => (await import('./drill.js')).drill(flags, command));
}

function parseCount(text: string, most: number): number {
  const count = Number(text);
  if (!Number.isInteger(count) || count < 1 || count > most) throw new Error(`it must be a number from 1 to ${most}`);
  return count;
}

function orInvalid<T>(parse: (text: string) => T): (text: string) => T {
  return (text) => {
    try {
      return parse(text);
    } catch (error) {
      throw new InvalidArgumentError(error instanceof Error ? error.message : String(error));
    }
  };
}
