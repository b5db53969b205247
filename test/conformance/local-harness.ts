import { randomBytes } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { Vault } from '../../src/secrets/vault.js';
import { openEngine, prepareLocalFleet, purgeLocalFleet } from '../../src/engine/engine.js';
import { SILENT_LOG } from '../../src/engine/collaborators.js';
import type { FleetDescription } from '../../src/engine/local/fleet/fleet-description.js';
import type { Harness } from './harness.js';

/** A fleet of its own in a temporary directory, which nobody else may pass through. */
export async function openLocalHarness({ encryptsAtRest = false } = {}): Promise<Harness & { readonly dataDir: string; readonly root: string; readonly vault: Vault; readonly fleet: FleetDescription }> {
  const parent = await mkdtemp(join(tmpdir(), 'freehold-conformance-'));
  const dataDir = join(parent, 'fleet');
  const vault = new Vault(randomBytes(32));
  const { root, ...fleet } = await prepareLocalFleet({ dataDir, vault, gatewaySlots: 50, encryptsAtRest });
  const engine = await openEngine({ engine: 'local', dataDir, vault, log: SILENT_LOG });
  return {
    engine,
    fleet,
    dataDir,
    root,
    vault,
    async close() {
      await engine.close();
      await purgeLocalFleet(dataDir);
      await rm(parent, { recursive: true, force: true });
    },
  };
}
