import { execFile } from 'node:child_process';
import { existsSync } from 'node:fs';
import { mkdir, readdir, readFile, readlink, rename, rm, stat, writeFile } from 'node:fs/promises';
import { promisify } from 'node:util';

import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';

import { shutDownLocalFleet } from '../../src/engine/engine.js';
import { volumeBytes } from '../../src/engine/local/fleet/volume-size.js';
import type { Engine, InstanceRef } from '../../src/engine/ports.js';
import { findInFiles } from '../support/find-in-files.js';
import { signalAll } from '../support/signal-all.js';
import { eventually } from '../support/servers.js';
import { asCustomer } from './engine-suite.js';
import { describeDatabase, provision, type TestDatabase } from './harness.js';
import { openLocalHarness } from './local-harness.js';

const run = promisify(execFile);
const MARKER = 'a-row-that-nobody-may-find-3f9b';

/** What is on disk where the host can encrypt; where it cannot, the fleet says why, and that is why these are skipped. */
describe('files at rest', () => {
  let harness: Awaited<ReturnType<typeof openLocalHarness>>;
  let engine: Engine;
  let shop: TestDatabase;
  const signal = (): AbortSignal => AbortSignal.timeout(60_000);
  const place = ({ host, database }: InstanceRef): string => `${harness.root}/hosts/${host}/${database.id}`;
  const image = (instance: InstanceRef): string => `${place(instance)}/volume.img`;
  const volume = (instance: InstanceRef): string => `${place(instance)}/volume`;
  const isOpen = async (instance: InstanceRef): Promise<boolean> =>
    existsSync(volume(instance)) && (await stat(volume(instance))).dev !== (await stat(place(instance))).dev;
  /** Whether a process works in the database's place, or was started with it. */
  const isBusy = async (instance: InstanceRef): Promise<boolean> => {
    const seen = (await readdir('/proc')).filter((entry) => /^\d+$/.test(entry)).map(async (entry) => [
      await readlink(`/proc/${entry}/cwd`).catch(() => ''), await readFile(`/proc/${entry}/cmdline`, 'utf8').catch(() => ''),
    ]);
    return (await Promise.all(seen)).some(([cwd = '', words = '']) => cwd.startsWith(place(instance)) || words.includes(place(instance)));
  };
  const kill = async (...instances: InstanceRef[]): Promise<void> => {
    for (const instance of instances) {
      const pid = Number((await readFile(`${volume(instance)}/${instance.id}/data/postmaster.pid`, 'utf8')).split('\n')[0]);
      signalAll([pid], 'SIGKILL');
      await eventually('its processes to die', async () => !(await isBusy(instance)));
    }
  };
  /** As after a reboot: nothing runs, nothing is mounted, no loop device is left, and the kernel has no key. */
  const reboot = async (...instances: InstanceRef[]): Promise<void> => {
    await kill(...instances);
    for (const instance of instances) await run('umount', [volume(instance)]);
    for (const instance of instances) await eventually('the loop device to go', async () => (await run('losetup', ['-j', image(instance)])).stdout === '');
  };
  const rows = (): Promise<number> => asCustomer(harness, shop, async (client) => (await client.query('SELECT FROM kept')).rowCount ?? 0);

  beforeAll(async () => {
    harness = await openLocalHarness({ encryptsAtRest: true });
    engine = harness.engine;
    if (harness.fleet.atRest.encryption === 'none') return;
    shop = describeDatabase(engine);
    await provision(engine, shop);
    await asCustomer(harness, shop, (client) => client.query(`CREATE TABLE kept AS SELECT '${MARKER}'::text AS words FROM generate_series(1, 100)`));
    await engine.instances.checkpoint(shop.primary, signal());
  });
  beforeEach(({ skip }) => {
    const { atRest } = harness.fleet;
    if (atRest.encryption === 'none') skip(`this machine cannot encrypt: ${atRest.because}`);
  });
  afterAll(() => harness?.close());

  it('holds nothing of a customer in the clear, on either host', async () => {
    for (const instance of [shop.primary, shop.standby]) {
      expect(await isOpen(instance)).toBe(true);
      await run('sync', ['-f', volume(instance)]);
      expect(findInFiles([image(instance)], [MARKER, 'PG_VERSION', instance.id, shop.spec.name])).toEqual([]);
      // The image is sparse: it takes no more than what is in it.
      expect((await stat(image(instance))).blocks * 512).toBeLessThan(2 ** 28);
    }
    // The words are there for the server, so that the search would have found them.
    const data = `${volume(shop.primary)}/${shop.primary.id}/data`;
    const segments = (await readdir(`${data}/pg_wal`)).filter((name) => /^[0-9A-F]{24}$/.test(name));
    expect(findInFiles(segments.map((name) => `${data}/pg_wal/${name}`), [MARKER, 'nothing like that']).join()).toContain(MARKER);
  });

  it('is read by nobody whose key is another one, and brought back by its own', async () => {
    await reboot(shop.primary, shop.standby);
    const secrets = { ...shop.spec.secrets, volume: Buffer.alloc(64, 1).toString('base64') };
    const stranger: InstanceRef = { ...shop.primary, database: { ...shop.spec, secrets } };
    await expect(engine.instances.start(stranger, shop.effect())).rejects.toMatchObject({ kind: 'permanent', message: expect.stringContaining('key') });
    // It is there all the same: nobody may take it for lost.
    expect(await engine.instances.observe(stranger, signal())).toMatchObject({ exists: true, process: 'stopped' });
    for (const instance of [shop.standby, shop.primary]) expect(await engine.instances.start(instance, shop.effect())).toMatchObject({ process: 'running' });
    expect(await rows()).toBe(100);
  });

  it('is fenced where it is closed, without being opened', async () => {
    await reboot(shop.standby);
    expect(await engine.instances.fence(shop.standby, shop.effect())).toMatchObject({ marked: true, process: 'stopped' });
    expect(await isOpen(shop.standby)).toBe(false);
    expect(await engine.instances.rejoin(shop.standby, shop.primary, shop.effect())).toMatchObject({ role: 'standby', process: 'running' });
  });

  it('goes on after a file system gave up and was left read-only', async () => {
    await kill(shop.primary);
    await run('mount', ['-o', 'remount,ro', volume(shop.primary)]);
    await expect(writeFile(`${volume(shop.primary)}/${shop.primary.id}/probe`, '')).rejects.toThrow();
    expect(await engine.instances.start(shop.primary, shop.effect())).toMatchObject({ process: 'running' });
    expect(await rows()).toBe(100);
  });

  it('comes up again from a volume that is full to the last byte, and its neighbour on the host never notices', async () => {
    const neighbour = describeDatabase(engine);
    await engine.instances.createPrimary(neighbour.primary, neighbour.effect());
    const home = `${volume(shop.primary)}/${shop.primary.id}`;
    const { uid, gid } = await stat(`${home}/data`);
    const free = Number((await run('stat', ['-f', '-c', '%a', volume(shop.primary)])).stdout) * 4_096;
    await run('fallocate', ['-l', String(free - 64 * 4_096), `${home}/filling`]);
    await run('dd', ['if=/dev/zero', `of=${home}/more`, 'bs=4k'], { uid, gid }).catch(() => undefined);
    await kill(shop.primary);
    expect(await engine.instances.start(shop.primary, shop.effect())).toMatchObject({ process: 'running' });
    expect(existsSync(`${volume(shop.primary)}/.ballast`)).toBe(false);
    expect(await engine.instances.observe(neighbour.primary, signal())).toMatchObject({ process: 'running' });
    for (const name of ['filling', 'more']) await rm(`${home}/${name}`, { force: true });
    await kill(shop.primary);
    await engine.instances.start(shop.primary, shop.effect());
    expect(existsSync(`${volume(shop.primary)}/.ballast`)).toBe(true);
    await engine.instances.destroy(neighbour.primary, neighbour.effect());
  });

  it('grows with its plan at the next start from a closed volume', async () => {
    await reboot(shop.primary);
    const size = { ...shop.spec.size, diskGb: 12 };
    await engine.instances.start({ ...shop.primary, database: { ...shop.spec, size } }, shop.effect());
    expect((await stat(image(shop.primary))).size).toBe(volumeBytes(size));
    const blocks = Number((await run('stat', ['-f', '-c', '%b', volume(shop.primary)])).stdout);
    expect(blocks * 4_096).toBeGreaterThan(volumeBytes(shop.spec.size));
    expect(await rows()).toBe(100);
  });

  it.each([
    ['an image that was never whole', async (at: string) => writeFile(`${at}/volume.img.new`, 'half')],
    ['an image without a folder', async (at: string) => {
      await closeByHand(at);
      await run('mount', ['-o', 'loop', `${at}/volume.img`, `${at}/volume.disk`]);
      await rm(`${at}/volume.disk/sealed`, { recursive: true });
      await run('umount', [`${at}/volume.disk`]);
    }],
    ['a folder that is not encrypted yet', async (at: string) => {
      await closeByHand(at);
      await run('mount', ['-o', 'loop', `${at}/volume.img`, `${at}/volume.disk`]);
      await rename(`${at}/volume.disk/sealed`, `${at}/volume.disk/sealed.old`);
      await mkdir(`${at}/volume.disk/sealed.new`);
      await run('umount', [`${at}/volume.disk`]);
    }],
    ['a volume that is mounted, and not in its place', async (at: string) => {
      await closeByHand(at);
      await run('mount', ['-o', 'loop', `${at}/volume.img`, `${at}/volume.disk`]);
    }],
    ['a volume that is open and empty', async (at: string) => {
      const [home = 'none'] = (await readdir(`${at}/volume`)).filter((name) => name.startsWith('ins_'));
      await rm(`${at}/volume/${home}`, { recursive: true });
    }],
  ])('is made anew over %s', async (what, breakIt) => {
    const late = describeDatabase(engine);
    const at = place(late.primary);
    if (what.startsWith('an image that')) await mkdir(at, { recursive: true });
    else {
      await expect(engine.instances.createPrimary(late.primary, late.effect(400))).rejects.toThrow();
      await eventually('what makes it to die', async () => !(await isBusy(late.primary)));
      if (!existsSync(`${at}/volume.img`)) await engine.instances.createPrimary(late.primary, late.effect()).then(() => kill(late.primary));
    }
    await breakIt(at);
    expect(await engine.instances.createPrimary(late.primary, late.effect())).toMatchObject({ process: 'running', role: 'primary' });
    expect(await isOpen(late.primary)).toBe(true);
    await engine.instances.destroy(late.primary, late.effect());
    expect(existsSync(image(late.primary))).toBe(false);
    expect(await isOpen(late.primary)).toBe(false);
  });

  const closeByHand = async (at: string): Promise<void> => {
    await run('umount', [`${at}/volume`]).catch(() => undefined);
    await mkdir(`${at}/volume.disk`, { recursive: true });
  };

  it('is not begun on a disk that is almost full, and leaves nothing there', async () => {
    const late = describeDatabase(engine, 'oceania');
    const host = `${harness.root}/hosts/${late.primary.host}`;
    await mkdir(host, { recursive: true });
    await run('mount', ['-t', 'tmpfs', '-o', 'size=24m,mode=711', 'tmpfs', host]);
    try {
      await expect(engine.instances.createPrimary(late.primary, late.effect())).rejects.toMatchObject({ kind: 'transient', message: expect.stringContaining('no space left') });
      await engine.instances.destroy(late.primary, late.effect());
      expect((await readFile('/proc/self/mounts', 'utf8'))).not.toContain(place(late.primary));
      expect(existsSync(image(late.primary))).toBe(false);
    } finally {
      await run('umount', [host]);
    }
  });

  it('leaves the files of a database alone that had none of it, and encrypts them on the next host', async () => {
    const { volume: _, ...secrets } = shop.spec.secrets;
    const old = describeDatabase(engine);
    const before: InstanceRef = { ...old.primary, database: { ...old.spec, secrets } };
    await engine.instances.createPrimary(before, old.effect());
    expect(existsSync(image(before))).toBe(false);
    const after: InstanceRef = { ...before, database: { ...old.spec, secrets: { ...secrets, volume: old.spec.secrets.volume! } } };
    const standby: InstanceRef = { ...old.standby, database: after.database };
    await kill(before).catch(() => undefined);
    await engine.instances.start(after, old.effect());
    expect(existsSync(image(after))).toBe(false);
    await engine.instances.attachStandby(standby, after, old.effect());
    expect(await isOpen(standby)).toBe(true);
    for (const instance of [standby, after]) await engine.instances.destroy(instance, old.effect());
    expect(existsSync(volume(after))).toBe(false);
  });

  it('is gone with its key: what is deleted after that is removed unread', async () => {
    await reboot(shop.standby);
    const { volume: _, ...secrets } = shop.spec.secrets;
    const erased: InstanceRef = { ...shop.standby, database: { ...shop.spec, secrets } };
    expect(await engine.instances.observe(erased, signal())).toMatchObject({ exists: true, process: 'stopped' });
    expect(await isOpen(erased)).toBe(false);
    await engine.instances.destroy(erased, shop.effect());
    expect(existsSync(image(erased))).toBe(false);
  });

  it('is closed by down, for everybody, and leaves nothing mounted', async () => {
    await shutDownLocalFleet(harness.dataDir);
    expect(await isOpen(shop.primary)).toBe(false);
    expect((await readFile('/proc/self/mounts', 'utf8'))).not.toContain(harness.fleet.id);
    const closed = image(shop.primary).replace(harness.root, harness.dataDir);
    await eventually('the loop device to go', async () => (await run('losetup', ['-j', closed])).stdout === '');
    expect(findInFiles([closed], [MARKER])).toEqual([]);
  });
});
