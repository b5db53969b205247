/** How the connections that a plan gives are shared between the kinds of endpoints. */

/** What the pooler may use of them for each database: its clients, who wait for one of them, may be many. */
const POOLED_SHARE = 0.4;

/** Sessions at the server that the pooler uses at once for one database. */
export function pooledSessions(maxConnections: number): number {
  return Math.max(1, Math.floor(maxConnections * POOLED_SHARE));
}

/** Clients that a pooler holds at once: many, since idle ones cost next to nothing, but not without a limit. */
export function mostClients(maxConnections: number): number {
  return Math.min(5_000, Math.max(500, maxConnections * 20));
}
