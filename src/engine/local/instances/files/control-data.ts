import { command } from '../../machine/gate-script.js';
import type { Gate } from '../../machine/gate.js';
import type { Lsn } from '../../../ports.js';
import { binariesOf } from './instance-binaries.js';
import type { InstanceContext } from '../../fleet/instance-context.js';

/** What `pg_controldata` tells of a data directory. */
export interface ControlData {
  readonly systemIdentifier: string;
  /** Such as `shut down`, `in production` or `in archive recovery`. */
  readonly state: string;
  /** Where the record of the latest checkpoint begins. */
  readonly checkpointLsn: Lsn;
  readonly timeline: number;
  readonly walSegmentBytes: number;
}

/** The state of a primary that was stopped cleanly; a standby's is `shut down in recovery`. */
export const SHUT_DOWN = 'shut down';

/**
 * Reads the control data of an instance; undefined if it has none, or none that is whole.
 *
 * While it is marked, the file is not where the program looks for it (see `fence-mark.ts`), so it looks at a copy.
 */
export async function readControlData(context: InstanceContext, gate: Gate): Promise<ControlData | undefined> {
  const { paths, shell } = context;
  if (!(await shell.exists(`${paths.data}/PG_VERSION`))) return undefined;
  const { directory } = await binariesOf(context);
  const file = (await shell.exists(paths.pgControlMarked)) ? paths.pgControlMarked : paths.pgControl;
  const look = `${paths.control}/look`;
  const program = command(`${directory}/pg_controldata`, '-D', look);
  const copy = command('install', '-D', '-m', '0600', '--', file, `${look}/global/pg_control`);
  const line = `${copy} && ${program}; status=$?; ${command('rm', '-rf', '--', look)}; exit $status`;
  const { code, stdout } = await gate.run(line);
  return code === 0 ? parseControlData(stdout) : undefined;
}

export function parseControlData(text: string): ControlData | undefined {
  const value = (name: string): string | undefined => new RegExp(`^${name}: +(.+)$`, 'm').exec(text)?.[1];
  const systemIdentifier = value('Database system identifier');
  const state = value('Database cluster state');
  const checkpointLsn = value('Latest checkpoint location');
  const timeline = Number(value("Latest checkpoint's TimeLineID"));
  const walSegmentBytes = Number(value('Bytes per WAL segment'));
  if (!systemIdentifier || !state || !checkpointLsn || !timeline || !walSegmentBytes) return undefined;
  return { systemIdentifier, state, checkpointLsn, timeline, walSegmentBytes };
}

const WAL_PAGE_BYTES = 8_192n;
/** The first page of a segment begins with a longer header than the others. */
const LONG_HEADER_BYTES = 40n;
const SHORT_HEADER_BYTES = 24n;
const ALIGNMENT = 8n;

/**
 * Where a record ends that begins at an LSN: what a standby that has it says it has received.
 *
 * A record is aligned, and goes on behind the header of the next page where it does not fit into its own. One that fills
 * its page ends at the page's end.
 */
export function endOfRecord(startLsn: Lsn, recordBytes: number, walSegmentBytes: number): Lsn {
  let at = lsnToNumber(startLsn);
  let left = BigInt(recordBytes);
  for (;;) {
    const room = WAL_PAGE_BYTES - (at % WAL_PAGE_BYTES);
    if (left <= room) return numberToLsn(at + ((left + ALIGNMENT - 1n) / ALIGNMENT) * ALIGNMENT);
    left -= room;
    at += room;
    at += at % BigInt(walSegmentBytes) === 0n ? LONG_HEADER_BYTES : SHORT_HEADER_BYTES;
  }
}

export function lsnToNumber(lsn: Lsn): bigint {
  const [high = '0', low = '0'] = lsn.split('/');
  return (BigInt(`0x${high}`) << 32n) | BigInt(`0x${low}`);
}

export function numberToLsn(value: bigint): Lsn {
  return `${(value >> 32n).toString(16).toUpperCase()}/${(value & 0xffff_ffffn).toString(16).toUpperCase()}`;
}
