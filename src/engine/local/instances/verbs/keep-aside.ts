import { z } from 'zod';

import { EngineError } from '../../../errors.js';
import type { Effect, KeptCopy } from '../../../ports.js';
import { removeVolume } from '../../fleet/instance-volume.js';
import { command, quote } from '../../machine/gate-script.js';
import type { Gate } from '../../machine/gate.js';
import { instanceSubject, type InstanceContext } from '../../fleet/instance-context.js';
import { killAll } from './run-instance.js';

/** Stands beside the data, and tells a person who finds the directory what it is. */
const recordSchema = z.object({
  databaseId: z.string(), instanceId: z.string(), host: z.string(), keptAt: z.iso.datetime(), sizeBytes: z.number(),
});

const KEPT_ID = /^\d{1,20}$/;

/**
 * Moves an instance's data aside if its mark says that it is to be kept (`protocol.md`, rule 12).
 *
 * Its pg_control keeps the name that the mark gave it, so that nobody starts it by mistake. The directory's name is
 * written in the mark, so that a verb that was cut off half-way goes on with the same one.
 */
export async function moveAside(context: InstanceContext, gate: Gate, signal: AbortSignal): Promise<void> {
  const { shell, paths, account, instance } = context;
  const name = (await shell.read(paths.keep))?.trim();
  if (name === undefined) return;
  if ((await shell.exists(paths.made)) && (await shell.exists(`${paths.data}/PG_VERSION`))) {
    await killAll(context, gate, signal);
    const directory = `${paths.keptPrefix}${name}`;
    const owner = account ? ['-o', String(account.uid), '-g', String(account.gid)] : [];
    const sizeBytes = Number(
      (
        await gate.must(
          `${command('install', '-d', '-m', '0700', ...owner, directory)} && ${command('du', '-sb', '--', paths.data)}`,
          'measuring the data',
        )
      ).split('\t')[0],
    );
    const record = {
      databaseId: instance.database.id, instanceId: instance.id, host: instance.host, keptAt: new Date().toISOString(), sizeBytes,
    };
    await gate.install([{ path: `${directory}/record.json`, content: `${JSON.stringify(record)}\n`, mode: 0o644 }]);
    await gate.must(
      `${command('mv', '-T', '--', paths.data, `${directory}/data`)} && ${command('sync', directory, paths.home, paths.volume)}`,
      'moving the data aside',
    );
    context.fleet.log.warn(
      { instanceId: instance.id, directory }, 'what the new primary may lack was moved aside: it stays until an operator releases it',
    );
  }
  await gate.must(`${command('rm', '-f', '--', paths.keep)} && ${command('sync', paths.control)}`, 'moving the data aside');
}

/** The copies that were moved aside, the oldest first. */
export async function listKept({ shell, paths }: InstanceContext): Promise<KeptCopy[]> {
  const prefix = paths.keptPrefix.slice(paths.volume.length + 1);
  const ids = (await shell.list(paths.volume)).filter((name) => name.startsWith(prefix)).map((name) => name.slice(prefix.length));
  const copies = await Promise.all(ids.map(async (id): Promise<KeptCopy[]> => {
    const directory = `${paths.keptPrefix}${id}`;
    const text = await shell.read(`${directory}/record.json`);
    if (text === undefined || !(await shell.exists(`${directory}/data`))) return [];
    const { keptAt, sizeBytes } = recordSchema.parse(JSON.parse(text));
    return [{ id, keptAt, sizeBytes }];
  }));
  return copies.flat().sort((a, b) => Number(a.id) - Number(b.id));
}

/** Removes a copy, and ends the processes that read it. */
export async function releaseKept(context: InstanceContext, keptId: string, effect: Effect): Promise<void> {
  const { shell, paths } = context;
  if (!KEPT_ID.test(keptId)) throw new EngineError('permanent', `"${keptId}" is not the id of a kept copy`);
  const directory = `${paths.keptPrefix}${keptId}`;
  await shell.fenced(instanceSubject(context, effect.token), effect.signal, async (gate) => {
    await killAll(context, gate, effect.signal, () => shell.processesUnder([directory]));
    await gate.must(command('rm', '-rf', '--', directory), 'removing the kept copy');
    await removeVolume(context, gate);
  });
}

/** A line that removes every copy of an instance that was moved aside. */
export function removeKeptLine({ paths }: InstanceContext): string {
  return `rm -rf -- ${quote(paths.keptPrefix)}*`;
}
