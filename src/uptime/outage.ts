/**
 * Why a database could not be used:
 *
 * - `host`: its primary's process, host or storage failed;
 * - `data-center`: everything in its primary's data centre failed;
 * - `operator`: an operator's change interrupted it;
 * - `platform`: Freehold's own parts failed, such as a router, while the primary was well;
 * - `customer`: the customer's own doing, such as a full plan, exhausted connections, or a restore in place.
 */
export const OUTAGE_CAUSES = ['host', 'data-center', 'operator', 'platform', 'customer'] as const;
export type OutageCause = (typeof OUTAGE_CAUSES)[number];

/** What told of an outage: the clock of an operation that interrupts, the watch of its instances, a probe of its endpoint. */
export const OUTAGE_SOURCES = ['operation', 'watch', 'probe'] as const;
export type OutageSource = (typeof OUTAGE_SOURCES)[number];

/** A time, from its first millisecond up to the one after its last, by the epoch; `Infinity` for what goes on. */
export interface Span {
  readonly fromMs: number;
  readonly toMs: number;
}
