import type { DatabaseEndpoint, DatabaseSpec, EndpointProbe } from '../../ports.js';
import type { LocalFleet } from '../fleet/local-fleet.js';
import { probe } from '../sql/probe-session.js';
import { probePassword } from '../sql/probe-sql.js';
import { classifyProbe } from './classify-probe.js';

/** Tries an endpoint as a client would: through the router, over TLS with the certificate checked, with a password. */
export async function probeEndpoint(
  fleet: LocalFleet, endpoint: DatabaseEndpoint, database: DatabaseSpec, write: boolean, signal: AbortSignal,
): Promise<EndpointProbe> {
  const { address } = fleet.region(database.region).gateway;
  const startedAt = performance.now();
  try {
    const { readOnly, exhausted } = await probe({
      address, port: endpoint.port, host: endpoint.host, authority: await fleet.authorityCertificate(database.region),
      password: probePassword(database.secrets.control), from: address, owner: database.owner,
    }, write, signal);
    if (readOnly) return { state: 'read-only' };
    return exhausted ? { state: 'exhausted' } : { state: 'up', tookMs: Math.round(performance.now() - startedAt) };
  } catch (error) {
    return classifyProbe(error, signal.aborted);
  }
}
