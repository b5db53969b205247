import { installArchiveScript } from '../fleet/archive-script.js';
import { backupsDirectory, metadataSetId, metadataSocketDirectory } from '../fleet/fleet-layout.js';
import type { HostShell } from '../machine/host-shell.js';
import { archiveCommand } from '../instances/files/archive-command.js';

/** What `freehold up` starts the metadata server with, so that it can be backed up. */
export interface MetadataServerSettings {
  readonly archiveCommand: string;
  /** A short path; only the server's account may pass. */
  readonly socketDirectory: string;
}

/** Bounds the WAL that waits while no site can be used: a gibibyte. */
export const METADATA_SIZE = { memoryMb: 0, maxConnections: 0, diskGb: 5 };

/**
 * With less than this free, in MiB, hardly any WAL waits: a segment is completed every ten seconds, and would use up what the
 * control plane has in reserve within minutes. A site on the same disk counts as full by then.
 */
const FLOOR_MB = 128;

export async function metadataServerSettings(shell: HostShell, fleetId: string): Promise<MetadataServerSettings> {
  const script = await installArchiveScript(shell);
  return {
    archiveCommand: archiveCommand(script, `${metadataHome(shell.root, fleetId)}/archive.conf`, METADATA_SIZE, FLOOR_MB),
    socketDirectory: metadataSocketDirectory(shell.root),
  };
}

/** What belongs to the metadata server's archive, outside of its data directory, which may be lost. */
export const metadataHome = (root: string, fleetId: string): string => `${backupsDirectory(root)}/${metadataSetId(fleetId)}/server`;
