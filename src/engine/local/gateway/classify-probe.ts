import { errorCode } from '../../../base/error-code.js';
import { reasonOf } from '../../../base/reason-of.js';
import type { EndpointProbe } from '../../ports.js';
import { PROBE_ROLE } from '../sql/probe-sql.js';

/** What a server answers that was not given yet what probes need, by an earlier version. */
const NOT_EQUIPPED = new Set(['28000', '28P01', '3D000', '42501', '42P01']);

/** What a failed probe says of an endpoint. */
export function classifyProbe(error: unknown, isTimeOver: boolean): EndpointProbe {
  const code = errorCode(error);
  const reason = reasonOf(error);
  if (code !== undefined && NOT_EQUIPPED.has(code)) return { state: 'not-equipped' };
  // Earlier probes hang: a commit that waits for a standby outlives its client.
  if (code === '53300') return { state: reason.includes(PROBE_ROLE) ? 'silent' : 'exhausted' };
  if (code === '25006') return { state: 'read-only' };
  if (isTimeOver || code === 'ETIMEDOUT') return { state: 'silent' };
  return { state: 'refused', reason };
}
