import type { Lsn } from '../engine/ports.js';

/** What was seen of an instance that may be promoted, after the fence. */
export interface Candidate {
  readonly instanceId: string;
  /** Whether it answered as a standby; a standby that is being rebuilt never counts as answering. */
  readonly answers: boolean;
  /** The end of its WAL. */
  readonly lsn?: Lsn;
  /** How often its promotion has failed already. */
  readonly failedPromotions?: number;
}

export type Election =
  | { readonly elected: string }
  /** Nobody may be promoted yet; or, if that is final, by this operation at all. */
  | { readonly nobody: string; readonly isFinal?: true };

/** After so many promotions that failed a standby is not elected again. */
export const MOST_PROMOTIONS = 2;

/**
 * Elects the standby to promote (protocol rule 4).
 *
 * By itself Freehold promotes only a standby that is recorded in sync, and only when every one that is recorded
 * answers: with `ANY 1`, the commit that was acknowledged last may be on any one of them alone. The most WAL wins.
 * An operator who accepts a loss of data gets the most WAL of all that answer (protocol rule 12).
 *
 * A standby whose promotion keeps failing makes way for another one, but by itself Freehold takes only one that has as
 * much WAL: a standby that has less may lack commits that were acknowledged.
 */
export function electStandby(inSync: readonly string[], candidates: readonly Candidate[], acceptDataLoss: boolean): Election {
  const answering = candidates.filter((candidate) => candidate.answers && candidate.lsn !== undefined);
  if (acceptDataLoss) {
    return answering.length === 0 ? { nobody: 'no standby answers' } : choose(answering.sort(byMerit).filter(isPromising));
  }
  if (inSync.length === 0) return { nobody: 'no standby is recorded in sync' };
  const silent = inSync.filter((id) => !answering.some(({ instanceId }) => instanceId === id));
  if (silent.length > 0) return { nobody: `recorded in sync, but not answering: ${silent.join(', ')}` };
  const eligible = answering.filter(({ instanceId }) => inSync.includes(instanceId)).sort(byMerit);
  return choose(eligible.filter((candidate) => isPromising(candidate) && compareLsns(lsnOf(candidate), lsnOf(eligible[0])) === 0));
}

const lsnOf = (candidate: Candidate | undefined): Lsn => candidate?.lsn ?? '0/0';
const isPromising = ({ failedPromotions = 0 }: Candidate): boolean => failedPromotions < MOST_PROMOTIONS;

/** The most WAL first; of equal ones the one whose promotion failed least. */
function byMerit(a: Candidate, b: Candidate): number {
  return compareLsns(lsnOf(b), lsnOf(a)) || (a.failedPromotions ?? 0) - (b.failedPromotions ?? 0)
    || a.instanceId.localeCompare(b.instanceId);
}

function choose([best]: readonly Candidate[]): Election {
  return best ? { elected: best.instanceId } : { nobody: 'the promotion of every standby that may be promoted has failed', isFinal: true };
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
