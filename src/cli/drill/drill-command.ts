import { Command, InvalidArgumentError, Option } from 'commander';

import { reasonOf } from '../../base/reason-of.js';
import { RESTORES_AT_ONCE } from '../../config/restores-at-once.js';
import { withApi } from '../client/session.js';
import type { DisasterFlags } from './disaster/disaster.js';
import type { DrillFlags } from './drill.js';
import { FAULT_MEANINGS, parseFaults } from './faults.js';

const MOST_TIMES = 1_000;
const LONGEST_S = 3_600;
const MOST_CANARIES = 16;
const MOST_MIB = 4_096;

const DATA_DIR = [
  '--data-dir <dir>', 'directory of the embedded fleet to break (FREEHOLD_DATA_DIR); without --url, also says which API to talk to',
] as const;

/** `freehold drill` */
export function drillCommand(): Command {
  return new Command('drill').description('break databases of its own, and measure what a client sees')
    .addCommand(failoverDrill(), { isDefault: true })
    .addCommand(disasterDrill());
}

function failoverDrill(): Command {
  const faults = Object.entries(FAULT_MEANINGS).map(([fault, meaning]) => `  ${fault.padEnd(16)}${meaning}`).join('\n');
  return withApi(new Command('failover').description('inject a fault again and again; what is done if no command is named'))
    .requiredOption('--fault <fault>', 'what to break, see below; several at the same moment are joined by +', orInvalid(parseFaults))
    .option('--region <region>', 'where the canary lives', 'europe')
    .option('--times <n>', 'how often', countTo(MOST_TIMES), 5)
    .option('--plan <plan>', 'the canary\'s plan')
    .option('--pooled', 'write through the endpoint that pools by transaction')
    .option(...DATA_DIR)
    .option('--svg <file>', 'draw the rounds into this file')
    .option('--limit <seconds>', 'how long one round may take', countTo(LONGEST_S), 120)
    .option('--keep', 'keep the canary for the next drill')
    .option('--yes', 'do not ask before something is broken that others use')
    .addHelpText('after', `\nFaults:\n${faults}`)
    .action(async (flags: DrillFlags, command: Command) => (await import('./drill.js')).drill(flags, command));
}

function disasterDrill(): Command {
  return withApi(
    new Command('disaster').description(
      'destroy every instance of some canaries at once, restore them, and predict what losing a server or a data centre would take',
    ),
  )
    .option('--region <region>', 'where the canaries live', 'europe')
    .option('--canaries <n>', 'how many are destroyed at once', countTo(MOST_CANARIES), RESTORES_AT_ONCE)
    .option('--rounds <n>', 'how often each is destroyed with each size', countTo(MOST_TIMES), 1)
    .addOption(
      new Option('--size <mib,…>', 'how much data each has, in MiB: two sizes tell what a restore takes from what grows with the data')
        .argParser(orInvalid(parseSizes))
        .default([0, 64], '0,64'),
    )
    .option('--plan <plan>', 'the canaries\' plan')
    .option(...DATA_DIR)
    .option('--limit <seconds>', 'how long a backup may take, and a restore', countTo(LONGEST_S), 600)
    .action(async (flags: DisasterFlags, command: Command) => (await import('./disaster/disaster.js')).disaster(flags, command));
}

function parseSizes(text: string): number[] {
  const sizes = text.split(',').map((size) => (/^\d+$/.test(size.trim()) ? Number(size) : NaN));
  if (sizes.some((size) => !(size <= MOST_MIB))) throw new Error(`it must be numbers from 0 to ${MOST_MIB}, joined by commas`);
  return sizes;
}

function countTo(most: number): (text: string) => number {
  return orInvalid((text) => {
    const count = Number(text);
    if (!Number.isInteger(count) || count < 1 || count > most) throw new Error(`it must be a number from 1 to ${most}`);
    return count;
  });
}

function orInvalid<T>(parse: (text: string) => T): (text: string) => T {
  return (text) => {
    try {
      return parse(text);
    } catch (error) {
      throw new InvalidArgumentError(reasonOf(error));
    }
  };
}
