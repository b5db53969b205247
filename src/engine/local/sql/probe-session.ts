import { createSecureContext, type SecureContext } from 'node:tls';

import pg from 'pg';

import { withClient } from './control-connection.js';
import { socketFrom } from './customer-session.js';
import { POOLER_DATABASE } from './pooler-sql.js';
import { PROBE_ROLE, PROBE_WRITE } from './probe-sql.js';
import { quoteLiteral } from './quote-sql.js';
import { sessionOptions } from './session-settings.js';

/** Where an endpoint is probed, and how. */
export interface Probed {
  readonly address: string;
  readonly port: number;
  /** The name that the certificate must carry. */
  readonly host: string;
  readonly authority: string;
  readonly password: string;
  /** The address that the probe comes from. */
  readonly from: string;
  readonly owner: string;
}

/** What a probe was answered. */
export interface ProbeAnswer {
  readonly readOnly: boolean;
  /** Whether the owner has as many sessions as the plan gives. */
  readonly exhausted: boolean;
}

/** Whether a session may write is left as the server has it: that is what is asked for. */
const OPTIONS = sessionOptions({ superuser: false, left: ['default_transaction_read_only'] });

/** One a region: to read the authority's certificate anew for each probe would be a good part of what it costs. */
const contexts = new Map<string, SecureContext>();

function contextFor(ca: string): SecureContext {
  const known = contexts.get(ca) ?? createSecureContext({ ca, minVersion: 'TLSv1.2' });
  contexts.set(ca, known);
  return known;
}

/** Logs in through an endpoint, reads, and with `write` commits a write, as a client of our own database would. */
export function probe(
  { address, port, host, authority, password, from, owner }: Probed, write: boolean, signal: AbortSignal,
): Promise<ProbeAnswer> {
  const client = new pg.Client({
    host: address, port, user: PROBE_ROLE, password, database: POOLER_DATABASE, application_name: 'freehold-probe', options: OPTIONS,
    ssl: { secureContext: contextFor(authority), host }, stream: () => socketFrom(from),
  });
  return withClient(client, signal, async () => {
    const { rows: [answer] } = await client.query<ProbeAnswer>(lookSql(owner));
    if (!answer) throw new Error('a probe was answered without a row');
    if (write && !answer.readOnly) await client.query(PROBE_WRITE);
    return answer;
  });
}

/** By the function below pg_stat_activity: a new session would have to read up all that the view is made of. */
const lookSql = (owner: string): string => `
  SELECT pg_catalog.pg_is_in_recovery() OR pg_catalog.current_setting('transaction_read_only') = 'on' AS "readOnly",
         rolconnlimit BETWEEN 1 AND (SELECT count(*) FROM pg_catalog.pg_stat_get_activity(NULL) WHERE usesysid = r.oid) AS exhausted
    FROM public.probe, pg_catalog.pg_roles r WHERE rolname = ${quoteLiteral(owner)}`;
