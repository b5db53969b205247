import { readFileSync } from 'node:fs';
import { afterAll, beforeAll, describe, it } from 'vitest';
import { processesOf } from '../support/freehold-command.js';
import { makeBarePair } from '../support/bare-postgres.js';
import { BenchFleet, stepSeconds } from './support/bench-fleet.js';
import { postmasterOf, processTree, pssMb } from './support/memory.js';
import { median, printTable, summarize } from './support/statistics.js';

const RUNS = 7;
/** What decides over the memory of an idle pair; a bare pair is given the same. */
const MEMORY_SETTINGS = [
  'shared_buffers', 'max_connections', 'superuser_reserved_connections', 'max_worker_processes', 'max_wal_senders', 'max_replication_slots', 'max_logical_replication_workers',
  'autovacuum_max_workers', 'autovacuum_naptime', 'bgwriter_delay', 'wal_receiver_timeout', 'wal_sender_timeout', 'huge_pages',
];

/** The command line of an instance's postmaster, and the directory that holds its data and its settings. */
const INSTANCE = /postgres .*-D (\S+\/db_\S+)\/data\b/;

let fleet: BenchFleet & { readonly upSeconds: number };
let customerId: string;

beforeAll(async () => {
  fleet = await BenchFleet.start();
  customerId = await fleet.createCustomer();
});
afterAll(() => fleet?.remove());

describe('provisioning', () => {
  it('is measured against the bare programs, one after the other', async () => {
    await fleet.provision(customerId, 'warm-up');
    const floors: number[] = [];
    const ours: Awaited<ReturnType<BenchFleet['provision']>>[] = [];
    for (let run = 0; run < RUNS; run += 1) {
      const bare = await makeBarePair();
      floors.push(Object.values(bare.seconds).reduce((sum, part) => sum + part, 0));
      await bare.stop();
      ours.push(await fleet.provision(customerId, `run-${run}`));
    }
    const times = ours.map(({ seconds }) => seconds);
    printTable(`Provisioning, request to verified (${RUNS} runs each, in turn)`, [
      ['', 'seconds'], ['floor: initdb, start, role, basebackup, streaming', summarize(floors)], ['Freehold: request to verified', summarize(times)],
      ['ratio of medians', (median(times) / median(floors)).toFixed(2)],
      ['ratio, pair by pair', summarize(times.map((seconds, run) => seconds / floors[run]!))],
    ]);
    const parts = ours.map(({ operation }) => stepSeconds(operation));
    printTable('Where the time goes', [['step', 'seconds'], ...Object.keys(parts[0]!).map((name) => [name, summarize(parts.map((part) => part[name]!), 3)])]);
  });
});

describe('memory', () => {
  it('of an idle pair is measured against a bare pair with the same settings', async () => {
    await fleet.provision(customerId, 'idle');
    const directories = processesOf([`${fleet.dataDir}/hosts`, '/run/freehold']).filter(({ command }) => INSTANCE.test(command));
    const [first] = directories;
    if (!first) throw new Error('no instance runs');
    const pairs = groupByDatabase(directories);
    const ours = pairs.map((pids) => pssMb(pids.flatMap(processTree)));
    const bare = await makeBarePair(memorySettings(first.command));
    const floor = pssMb([bare.primaryDirectory, bare.standbyDirectory].flatMap((directory) => processTree(postmasterOf(directory))));
    await bare.stop();
    const processes = ['main-api.js', 'main-worker.js'].map((name) => {
      const pid = processesOf([name]).find(({ command }) => command.includes(name))?.pid;
      return [name, pid === undefined ? '?' : pssMb([pid]).toFixed(0)];
    });
    printTable('Idle memory, PSS in MiB', [['', 'MiB'], ['a bare pair', floor.toFixed(1)], ['a pair of Freehold', summarize(ours, 1)], ['ratio', (median(ours) / floor).toFixed(2)], ...processes]);
  });
});

describe('up', () => {
  it('is measured on an empty directory and on one with ten databases', async () => {
    await fleet.provision(customerId, 'ninth');
    await fleet.provision(customerId, 'tenth');
    await fleet.down();
    const again = await fleet.upAgain();
    printTable('up --detach --json until the line is printed', [['data directory', 'seconds'], ['empty', fleet.upSeconds.toFixed(1)], ['ten databases, all stopped', again.toFixed(1)]]);
  });
});

function groupByDatabase(instances: readonly { pid: number; command: string }[]): number[][] {
  const groups = new Map<string, number[]>();
  for (const { pid, command } of instances) {
    const database = /db_[0-9a-z]{26}/.exec(command)?.[0];
    if (database) groups.set(database, [...(groups.get(database) ?? []), pid]);
  }
  return [...groups.values()].filter((pids) => pids.length === 2);
}

/** Reads what the instance of a command line was started with. */
function memorySettings(command: string): Record<string, string> {
  const directory = INSTANCE.exec(command)?.[1];
  if (!directory) throw new Error(`no instance is started by: ${command}`);
  const text = readFileSync(`${directory}/etc/postgresql.conf`, 'utf8');
  return Object.fromEntries(MEMORY_SETTINGS.flatMap((name) => {
    const value = new RegExp(`^${name} = '?([^'\\n]+)'?$`, 'm').exec(text)?.[1];
    return value === undefined ? [] : [[name, value]];
  }));
}
