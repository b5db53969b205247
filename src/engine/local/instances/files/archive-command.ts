import type { InstanceSize } from '../../../ports.js';
import { command } from '../../machine/gate-script.js';
import { mostWaitingWalMb, WAL_SEGMENT_BYTES } from './instance-settings.js';

/**
 * The value of an instance's `archive_command`.
 *
 * @param floorMb With less than this free, WAL is given up rather than held: its server needs the room to go on.
 */
export function archiveCommand(script: string, configuration: string, size: InstanceSize, floorMb = 0): string {
  const limit = Math.floor((mostWaitingWalMb(size) * 1_024 * 1_024) / WAL_SEGMENT_BYTES);
  return `exec ${command(script, configuration, String(limit), String(floorMb))} %p`;
}
