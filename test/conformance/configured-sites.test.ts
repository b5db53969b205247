import { randomBytes } from 'node:crypto';
import { chmod, mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { afterAll, beforeAll, describe, expect, it } from 'vitest';

import type { BackupSet } from '../../src/engine/backups-port.js';
import { openEngine, type OpenEngineOptions } from '../../src/engine/engine.js';
import { SILENT_LOG } from '../../src/engine/collaborators.js';
import { ObjectStore } from '../support/object-store.js';
import { describeCopy, describeDatabase } from './harness.js';
import { openLocalHarness } from './local-harness.js';

const signal = (): AbortSignal => AbortSignal.timeout(60_000);

describe('backup sites that are configured', () => {
  let directory: string;
  let store: ObjectStore;
  let harness: Awaited<ReturnType<typeof openLocalHarness>>;
  let options: OpenEngineOptions;
  const sitesOf = (keyFile: string): NonNullable<OpenEngineOptions['backupSites']> => [
    ...['one', 'two'].map((id) => ({
      id, name: id, country: 'DE', dataCenter: id, kind: 'live' as const,
      repository: {
        type: 's3' as const, bucket: id, endpoint: 'localhost', region: 'eu', path: '/freehold', keyFile, uriStyle: 'path' as const,
        caFile: `${directory}/ca.pem`, storageHost: 'localhost', storagePort: store.port,
      },
    })),
    { id: 'cold', name: 'Cold', country: 'FI', dataCenter: 'cold', kind: 'frozen', repository: { type: 'posix', path: `${directory}/cold` } },
  ];

  beforeAll(async () => {
    directory = await mkdtemp(join(tmpdir(), 'freehold-sites-'));
    await chmod(directory, 0o711);
    store = await ObjectStore.start();
    await writeFile(`${directory}/ca.pem`, store.authority, { mode: 0o644 });
    await writeFile(`${directory}/s3.key`, 'AKIDEXAMPLE\nsecret-of-the-store\n', { mode: 0o600 });
    await writeFile(`${directory}/open.key`, 'AKIDEXAMPLE\nsecret\n', { mode: 0o644 });
    await mkdir(`${directory}/cold`, { mode: 0o711 });
    await writeFile(`${directory}/cold/freehold-site`, '');
    harness = await openLocalHarness();
    options = { engine: 'local', dataDir: harness.dataDir, vault: harness.vault, log: SILENT_LOG };
  });
  afterAll(async () => {
    await harness?.close();
    await store?.stop();
    await rm(directory, { recursive: true, force: true });
  });

  it('are refused with every fault at once', async () => {
    await expect(openEngine({ ...options, backupSites: sitesOf(`${directory}/open.key`) })).rejects.toMatchObject({
      kind: 'permanent', message: expect.stringMatching(/one: .*chmod 600.*two: .*chmod 600/),
    });
  });

  it('keep archive and backups by S3, a frozen copy of what is there, and tell when they are down', async () => {
    const engine = await openEngine({ ...options, backupSites: sitesOf(`${directory}/s3.key`) });
    const backups = engine.backups!;
    const shop = describeDatabase(engine);
    const set: BackupSet = { databaseId: shop.spec.id, region: shop.spec.region, account: shop.spec.account, name: shop.spec.name, owner: shop.spec.owner, key: randomBytes(32).toString('base64') };
    await engine.instances.createPrimary(shop.primary, shop.effect());
    expect(await backups.probe('one', signal())).toEqual({ usable: true });
    expect(await backups.probe('one', signal(), 300_000)).toEqual({ usable: true });
    await backups.archiveTo(shop.primary, set, ['one', 'two'], shop.effect());
    const stored = await backups.backUp(shop, set, 'one', 'bkp_one', shop.effect());
    await backups.archiveNow(shop.primary, shop.effect());
    expect(await backups.list(set, 'one', signal())).toEqual([stored]);
    expect([...store.objects.keys()].some((key) => key.startsWith(`/one/freehold/${shop.spec.id}/backup/main/${stored.label}/`))).toBe(true);

    const frozen = await backups.freeze(set, { site: 'one', label: stored.label }, 'cold', new Date(), shop.effect());
    store.down = true;
    expect(await backups.probe('one', signal())).toMatchObject({ usable: false });
    await expect(backups.list(set, 'one', signal())).rejects.toMatchObject({ kind: 'transient' });
    expect(await backups.prove(set, { site: 'cold', label: frozen.label }, shop.primary.host, shop.effect())).toMatchObject({ sound: true, remarks: [] });
    store.down = false;

    const copy = describeCopy(engine, shop);
    expect(await backups.restore(copy.primary, set, { site: 'one', time: 'latest' }, copy.effect())).toMatchObject({ role: 'primary' });
    await backups.expire(set, 'cold', frozen.label, shop.effect());
    await backups.remove(set, 'one', shop.effect());
    // What the probes need stays.
    expect([...store.objects.keys()].filter((key) => key.startsWith('/one/') && !/^\/one\/freehold\/probe\/(archive|backup)\/probe\/(archive|backup)\.info/.test(key))).toEqual([]);
    await engine.close();
  }, 90_000);
});
