import { randomBytes } from 'node:crypto';
import { existsSync, readFileSync, statSync, symlinkSync, unlinkSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';

import { Vault } from '../../src/secrets/vault.js';
import { openEngine, prepareLocalFleet, purgeLocalFleet } from '../../src/engine/engine.js';
import { SILENT_LOG } from '../../src/engine/collaborators.js';

const NOBODY = 65_534;
const OTHERS_MAY_PASS = 0o001;
const OTHERS_MAY_READ = 0o004;

describe('a fleet of an ordinary user, below a home that nobody else may enter', () => {
  let home: string;
  const vault = new Vault(randomBytes(32));

  beforeAll(async () => {
    home = await mkdtemp(join(tmpdir(), 'freehold-home-'));
    // Debian 13's Node refuses to become another user, for fear of io_uring; what the engine asks is answered as if it had.
    vi.spyOn(process, 'getuid').mockReturnValue(NOBODY);
  });
  afterAll(async () => {
    vi.restoreAllMocks();
    await rm(home, { recursive: true, force: true });
  });

  it('names a certificate that every user of the machine can read, and takes it away in the end', async () => {
    expect(statSync(home).mode & OTHERS_MAY_PASS).toBe(0);
    const dataDir = join(home, 'fleet');
    await prepareLocalFleet({ dataDir, vault });
    const engine = await openEngine({ engine: 'local', dataDir, vault, log: SILENT_LOG });
    const path = engine.gateway.endpoint({ id: 'db_1', region: 'europe', endpointSlot: 0 }).rootCertificatePath ?? '';
    expect(readFileSync(path, 'utf8')).toBe(await engine.gateway.certificateAuthority('europe'));
    expect(statSync(path).mode & 0o777).toBe(0o600 | OTHERS_MAY_READ | 0o040);
    for (let parent = dirname(path); parent !== '/'; parent = dirname(parent)) expect(statSync(parent).mode & OTHERS_MAY_PASS).toBe(OTHERS_MAY_PASS);
    await engine.close();
    await purgeLocalFleet(dataDir);
    expect(existsSync(dirname(path))).toBe(false);
  });

  it('does not use a place that somebody else has made in its name', async () => {
    const dataDir = join(home, 'fleet');
    const { id } = await prepareLocalFleet({ dataDir, vault });
    symlinkSync(home, `/var/tmp/freehold-${id}`);
    const engine = await openEngine({ engine: 'local', dataDir, vault, log: SILENT_LOG });
    expect(engine.gateway.endpoint({ id: 'db_1', region: 'europe', endpointSlot: 0 }).rootCertificatePath).toBe(`${dataDir}/regions/europe/ca.pem`);
    expect(statSync(home).mode & OTHERS_MAY_PASS).toBe(0);
    await engine.close();
    await purgeLocalFleet(dataDir);
    unlinkSync(`/var/tmp/freehold-${id}`);
  });
});
