import type { CertificateTrouble } from '../engine/ports.js';
import type { Metadata } from '../metadata/metadata.js';
import { openAlert, resolveAlerts } from '../operations/alerts.js';

const CERTIFICATE_ALERT = 'certificate';
/** Of the fleet: all of its regions present the same certificate. */
const KEY = `${CERTIFICATE_ALERT}:public`;

/** Tells operators of a supplied certificate that cannot be used or ends soon, until it is renewed. */
export class CertificateAlert {
  /** The severity and message that the record has; undefined before this process has written it. */
  private told: string | undefined;

  constructor(private readonly metadata: Metadata) {}

  async tell(trouble: CertificateTrouble | null): Promise<void> {
    const now = JSON.stringify(trouble);
    if (now === this.told) return;
    await this.metadata.transaction(async (tx) => {
      if (!trouble) return resolveAlerts(tx, [KEY]);
      return openAlert(tx, {
        ...trouble, key: KEY, kind: CERTIFICATE_ALERT, subjectId: null, operationId: null, action: 'required',
        advice: 'renew the certificate in the files that `freehold up` was given; it is taken over within seconds',
      });
    });
    this.told = now;
  }
}
