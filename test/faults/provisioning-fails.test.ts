import { spawnSync } from 'node:child_process';
import { mkdirSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { dirname } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { DatabaseDocument, InstanceDocument } from '../../src/databases/database.schemas.js';
import type { OperationDocument } from '../../src/operations/operation.js';
import { startControlPlane, type TestControlPlane } from '../support/control-plane.js';
import { ended, expectNothingLeft, readDatabase, type Requested, requestDatabase } from './support/provisioning.js';

const TIMEOUT_MS = 120_000;
const isRoot = process.getuid?.() === 0;

let plane: TestControlPlane;
beforeAll(async () => { plane = await startControlPlane(); }, TIMEOUT_MS);
afterAll(() => plane?.stop(), TIMEOUT_MS);

const instanceOf = (database: DatabaseDocument, role: 'primary' | 'standby'): InstanceDocument => database.instances.find((instance) => instance.role === role)!;

/** Where the engine will put something of an instance. */
const pathOf = (database: DatabaseDocument, { id, host }: InstanceDocument, below: 'home' | 'port'): string =>
  `${plane.fleetRoot}/hosts/${host}/${database.id}/${below === 'home' ? `volume/${id}` : `${id}/port`}`;

function write(path: string, content: string): void {
  mkdirSync(dirname(path), { recursive: true });
  writeFileSync(path, content);
}

async function expectCleanFailure(requested: Requested, at: string, reason: RegExp): Promise<OperationDocument> {
  const operation = await ended(plane, requested.operation);
  expect(operation).toMatchObject({ state: 'failed', error: { step: at, reason: expect.stringMatching(reason), left: 'nothing' } });
  expect(await readDatabase(plane, requested.id)).toMatchObject({ state: 'failed', instances: [], inSync: false });
  expectNothingLeft(plane, requested);
  return operation;
}

describe('a provisioning that cannot succeed ends as failed, says why, and leaves nothing', () => {
  it('when a standby never starts', async () => {
    const requested = await requestDatabase(plane, 'americas', (database) => write(pathOf(database, instanceOf(database, 'standby'), 'home'), 'in the way'));
    await expectCleanFailure(requested, 'attach-standbys', /File exists|Not a directory/);
  }, TIMEOUT_MS);

  it('when the port is taken', async () => {
    const squatter = createServer();
    await new Promise<void>((resolve) => squatter.listen(0, '0.0.0.0', resolve));
    const requested = await requestDatabase(plane, 'americas', (database) => {
      write(pathOf(database, instanceOf(database, 'primary'), 'port'), `${(squatter.address() as { port: number }).port}\n`);
    });
    await expectCleanFailure(requested, 'create-primary', /did not start: .*already running on port/s);
    squatter.close();
  }, TIMEOUT_MS);

  it.skipIf(!isRoot).each([
    ['the disk is full', 'size=24m', /no space left/i], ['initdb fails, for want of files', 'nr_inodes=100', /initdb failed/],
  ])('when %s', async (_, limit, reason) => {
    const hosts = spawnSync('sh', ['-c', `ls -d ${plane.fleetRoot}/hosts/*oceania*`], { encoding: 'utf8' }).stdout.trim().split('\n');
    for (const host of hosts) expect(spawnSync('mount', ['-t', 'tmpfs', '-o', 'size=400m,mode=711', 'tmpfs', host]).status).toBe(0);
    try {
      // Nothing is placed on a disk that is known to be full.
      const requested = await requestDatabase(plane, 'oceania');
      for (const host of hosts) expect(spawnSync('mount', ['-o', `remount,${limit}`, host]).status).toBe(0);
      await expectCleanFailure(requested, 'create-primary', reason);
    } finally {
      for (const host of hosts) spawnSync('umount', [host]);
    }
  }, TIMEOUT_MS);
});
