import type { Metadata } from '../metadata/metadata.js';
import { queryRows } from '../metadata/query-rows.js';
import { openAlert, resolveAlerts, type NewAlert } from '../operations/alerts.js';

export const GATEWAY_ALERT = 'gateway';
/** An alert closes when nothing more has happened for so long. */
const QUIET_MS = 10 * 60_000;

/** Tells people of a router or a pooler that died and was started again, until it has lived for a while. */
export class GatewayAlerts {
  /** What the open alerts say, and since when this process knows it, by the clock of `performance.now()`. */
  private readonly said = new Map<string, { readonly message: string; readonly at: number }>();

  constructor(private readonly metadata: Metadata) {}

  /** @param died `router`, or the ids of databases whose pooler died. */
  async raise(region: string, died: readonly string[]): Promise<void> {
    await this.metadata.transaction(async (tx) => {
      for (const what of died) await openAlert(tx, alertOf(region, what));
    });
  }

  /** Closes what has been quiet. A message that has changed, by whichever worker, tells of something that has happened since. */
  async settle(now = performance.now()): Promise<void> {
    const open = await queryRows<{ key: string; message: string }>(this.metadata.dataSource.manager,
      'SELECT key, message FROM alerts WHERE kind = $1 AND resolved_at IS NULL', [GATEWAY_ALERT]);
    for (const { key, message } of open) if (this.said.get(key)?.message !== message) this.said.set(key, { message, at: now });
    const quiet = open.map(({ key }) => key).filter((key) => now - (this.said.get(key)?.at ?? now) >= QUIET_MS);
    if (quiet.length > 0) await this.metadata.transaction((tx) => resolveAlerts(tx, quiet));
    const loud = new Set(open.map(({ key }) => key).filter((key) => !quiet.includes(key)));
    for (const key of this.said.keys()) if (!loud.has(key)) this.said.delete(key);
  }
}

function alertOf(region: string, what: string): NewAlert {
  const isRouter = what === 'router';
  const name = isRouter ? `the router of ${region}` : `the pooler of ${what}`;
  const cut = isRouter ? 'all sessions of the region were cut' : 'its clients were cut';
  return {
    key: `${GATEWAY_ALERT}:${isRouter ? region : what}`, kind: GATEWAY_ALERT, severity: 'warning', action: 'none', operationId: null,
    subjectId: isRouter ? null : what,
    message: `${name} died or did not answer, and was started again, last at ${new Date().toISOString()}; ${cut}`,
    advice: `nothing if it was once; else read gateways/${region}/${isRouter ? 'router' : `poolers/${what}`}/log in the data directory, `
      + `and the kernel's log for lack of memory`,
  };
}
