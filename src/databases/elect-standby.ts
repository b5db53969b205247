import type { Lsn } from '../engine/ports.js';

/** What was seen of an instance that may be promoted, after the fence. */
export interface Candidate {
  readonly instanceId: string;
  /** Whether it answered as a standby; one that is being rebuilt never counts as answering. */
  readonly answers: boolean;
  /** The end of its WAL. */
  readonly lsn?: Lsn;
}

export type Election =
  | { readonly elected: string }
  /** Nobody may be promoted yet, or at all. */
  | { readonly nobody: string };

/**
 * Elects the standby to promote (protocol rule 4).
 *
 * By itself Freehold promotes only a standby that is recorded in sync, and only when every one that is recorded
 * answers: with `ANY 1`, the commit that was acknowledged last may be on any one of them alone. The most WAL wins.
 * An operator who accepts a loss of data gets the most WAL of all that answer (protocol rule 12).
 */
export function electStandby(inSync: readonly string[], candidates: readonly Candidate[], acceptDataLoss: boolean): Election {
  const answering = candidates.filter((candidate) => candidate.answers && candidate.lsn !== undefined);
  if (acceptDataLoss) return mostWal(answering) ?? { nobody: 'no standby answers' };
  if (inSync.length === 0) return { nobody: 'no standby is recorded in sync' };
  const silent = inSync.filter((id) => !answering.some(({ instanceId }) => instanceId === id));
  if (silent.length > 0) return { nobody: `recorded in sync, but not answering: ${silent.join(', ')}` };
  return mostWal(answering.filter(({ instanceId }) => inSync.includes(instanceId))) ?? { nobody: 'no standby answers' };
}

function mostWal(candidates: readonly Candidate[]): Election | undefined {
  const [best] = [...candidates].sort((a, b) => compareLsns(b.lsn ?? '0/0', a.lsn ?? '0/0') || a.instanceId.localeCompare(b.instanceId));
  return best && { elected: best.instanceId };
}

/** Bytes from the beginning of the WAL. */
export function lsnToBytes(lsn: Lsn): bigint {
  const [high, low] = lsn.split('/');
  return (BigInt(`0x${high ?? '0'}`) << 32n) + BigInt(`0x${low ?? '0'}`);
}

/** Negative, zero or positive as the first is before, at, or after the second. */
export function compareLsns(a: Lsn, b: Lsn): number {
  const difference = lsnToBytes(a) - lsnToBytes(b);
  return difference < 0n ? -1 : difference > 0n ? 1 : 0;
}
