import { EngineError } from './errors.js';
import type { EngineLog, SecretVault } from './collaborators.js';
import type { ConfiguredSite } from '../config/backup-sites.js';
import { openLocalEngine } from './local/local-engine.js';
import type { Engine } from './ports.js';

export { prepareLocalFleet, type PreparedFleet } from './local/prepare-fleet.js';
export type { PublicCertificateFiles } from './local/fleet/fleet-description.js';
export { surveyGatewayPrograms } from './local/gateway/gateway-programs.js';
export { findHomeless, findLocalPostgres, type LocalPostgres } from './local/fleet/local-postgres.js';
export { openAnchorFile } from './local/fleet/anchor-file.js';
export { readText as readTextFile } from './local/machine/files.js';
export { isOlder, type Version } from './local/machine/judge-postgres.js';
export { shutDownLocalFleet } from './local/shut-down-fleet.js';
export { purgeLocalFleet } from './local/purge-fleet.js';
export { resealLocalFleet } from './local/reseal-fleet.js';
export { restoreLocalMetadata } from './local/metadata/restore-metadata.js';
export type { EngineLog, SecretVault } from './collaborators.js';

export interface OpenEngineOptions {
  readonly engine: 'local';
  /** The directory of the embedded fleet. */
  readonly dataDir: string;
  readonly vault: SecretVault;
  readonly log: EngineLog;
  /** Where backups are kept; the embedded fleet's own directories if left out. */
  readonly backupSites?: readonly ConfiguredSite[];
}

/**
 * Opens the data plane that the configuration names: the only place where an engine is chosen.
 *
 * @throws EngineError `permanent` if the engine is unknown, or its fleet was never prepared.
 */
export async function openEngine(options: OpenEngineOptions): Promise<Engine> {
  switch (options.engine) {
    case 'local':
      return openLocalEngine(options);
    default:
      throw new EngineError('permanent', `there is no engine "${String(options.engine)}"`, 'set FREEHOLD_ENGINE to local');
  }
}
