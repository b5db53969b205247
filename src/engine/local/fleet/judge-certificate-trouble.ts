import type { CertificateTrouble } from '../../ports.js';
import type { Judgement } from './judge-public-certificate.js';

const DAY_MS = 24 * 60 * 60_000;
/** Certificates are renewed a month before they end, or in the last third of their life: half of that is late. */
const WARN_BEFORE_MS = 14 * DAY_MS;
const CRITICAL_BEFORE_MS = 3 * DAY_MS;

/**
 * What operators are told of the certificate that they supplied for the endpoints. While the files cannot be used the servers go on
 * with the certificate before, which ends in its time.
 */
export function judgeCertificateTrouble({ fit, faults }: Judgement, file: string, now: Date): CertificateTrouble | null {
  if (faults) {
    return { severity: 'critical', message: `the public certificate in ${file} cannot be used: ${faults.join('; ')}` };
  }
  const leftMs = fit.validUntil.getTime() - now.getTime();
  if (leftMs >= WARN_BEFORE_MS) return null;
  const severity = leftMs < CRITICAL_BEFORE_MS ? 'critical' : 'warning';
  return { severity, message: `the public certificate in ${file} ends at ${fit.validUntil.toISOString()}, and was not renewed` };
}
