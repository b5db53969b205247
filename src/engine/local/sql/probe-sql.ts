import { createHmac } from 'node:crypto';

import { scramVerifierSync } from '../../../secrets/scram-verifier.js';
import { quoteIdentifier, quoteLiteral } from './quote-sql.js';

/** As which endpoints are probed: it may read and write one row of ours in our own database, and nothing of the tenant's. */
export const PROBE_ROLE = 'freehold_probe';
export const PROBE_WRITE = 'UPDATE public.probe SET written_at = pg_catalog.clock_timestamp()';

/** Made of the control plane's own password, so that both are known and changed together; 256 random bits. */
export const probePassword = (controlPassword: string): string =>
  createHmac('sha256', controlPassword).update(PROBE_ROLE).digest('base64url');

/** Rounds make guessing dear, and this password cannot be guessed: more than one would only make each probe dearer. */
const ROUNDS = 1;

const role = quoteIdentifier(PROBE_ROLE);
export const CREATE_PROBE = `CREATE ROLE ${role} NOINHERIT NOSUPERUSER NOCREATEROLE NOCREATEDB NOREPLICATION NOBYPASSRLS`;

/** How it logs in. Probes that hang outlive their client while a commit waits for a standby: they may not pile up. */
export function settleProbeSql(controlPassword: string): string[] {
  const verifier = scramVerifierSync(probePassword(controlPassword), undefined, ROUNDS);
  return [
    `ALTER ROLE ${role} LOGIN CONNECTION LIMIT 3 PASSWORD ${quoteLiteral(verifier)};`,
    `ALTER ROLE ${role} SET pg_stat_statements.track = 'none';`,
  ];
}

/** The row that probes write, in the database in which these are run. */
export const PROBE_TABLE = [
  'CREATE TABLE IF NOT EXISTS public.probe (single boolean PRIMARY KEY DEFAULT true CHECK (single), written_at timestamptz NOT NULL);',
  'INSERT INTO public.probe (written_at) VALUES (pg_catalog.now()) ON CONFLICT DO NOTHING;',
  `GRANT SELECT, UPDATE ON public.probe TO ${role};`,
];
