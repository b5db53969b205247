/** An endpoint, and when it was probed last. */
export interface ProbedEndpoint {
  readonly databaseId: string;
  /** When the last probe began, and the last one that wrote. */
  readonly probedAtMs: number;
  readonly wroteAtMs: number;
  /** Whether the last probe failed, or the watch finds something odd. */
  readonly isSuspected: boolean;
  /** From 0 to 1, the same for a database's life: endpoints are not all probed at the same time. */
  readonly spread: number;
}

export interface NextProbe {
  readonly databaseId: string;
  readonly write: boolean;
}

/** How often an endpoint is probed that is well: {@link SELDOM_MS} and up to a quarter more. */
export const SELDOM_MS = 52_000;
/** And while something is wrong. */
export const OFTEN_MS = 1_000;
/**
 * How often a probe writes while all is well. A write makes WAL, of which a server archives a segment to every site after
 * `archive_timeout`: on a database that nobody uses that is all the work there is. Between writes the watch sees whether commits
 * wait for a standby.
 */
export const WRITE_EVERY_MS = 3_600_000;

/** Which endpoints are due for a probe, and which of them with a write: those where something is wrong first, each with a write. */
export function chooseProbes(endpoints: readonly ProbedEndpoint[], nowMs: number): NextProbe[] {
  const due = endpoints.filter(({ probedAtMs, isSuspected, spread }) => {
    const everyMs = isSuspected ? OFTEN_MS : SELDOM_MS * (1 + spread / 4);
    return nowMs - probedAtMs >= everyMs || nowMs < probedAtMs;
  });
  const writes = ({ isSuspected, wroteAtMs, spread }: ProbedEndpoint): boolean =>
    isSuspected || nowMs - wroteAtMs >= WRITE_EVERY_MS * (1 + spread / 4) || nowMs < wroteAtMs;
  return [...due].sort((one, other) => Number(other.isSuspected) - Number(one.isSuspected))
    .map((endpoint) => ({ databaseId: endpoint.databaseId, write: writes(endpoint) }));
}
