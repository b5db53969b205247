import type { CertificateTrouble } from '../../ports.js';
import { judgeCertificateTrouble } from './judge-certificate-trouble.js';
import type { LocalFleet } from './local-fleet.js';

const LOOK_EVERY_MS = 1_000;
const HOUR_MS = 60 * 60_000;

/** Sees when the operator has renewed the public certificate in its files, and takes it over. */
export class PublicCertificateWatch {
  private lookedAt = -Infinity;
  /** When the files that were judged last had been written. */
  private judged: string | undefined;
  private judgedAt = -Infinity;
  private looking: Promise<void> | undefined;
  private found: CertificateTrouble | null = null;

  constructor(private readonly fleet: LocalFleet) {}

  /** As the last look found it. */
  get trouble(): CertificateTrouble | null {
    return this.found;
  }

  /** Looks, unless that was done a moment ago; callers at the same time look together. */
  look(): Promise<void> {
    if (this.looking) return this.looking;
    if (performance.now() - this.lookedAt < LOOK_EVERY_MS) return Promise.resolve();
    this.lookedAt = performance.now();
    this.looking = this.lookAnew().finally(() => {
      this.looking = undefined;
    });
    return this.looking;
  }

  private async lookAnew(): Promise<void> {
    const { description: { publicCertificate: files }, shell, log } = this.fleet;
    if (files === null) return;
    const written = await Promise.all([files.certificate, files.key].map((path) => shell.modifiedAt(path)));
    const now = written.map((time) => time?.getTime() ?? 'missing').join();
    if (now === this.judged && performance.now() - this.judgedAt < HOUR_MS) return;
    const isChanged = now !== this.judged;
    const found = await this.fleet.renewPublicCertificate();
    this.judged = now;
    this.judgedAt = performance.now();
    if (!found) return;
    this.found = judgeCertificateTrouble(found, files.certificate, new Date());
    if (found.isNew) log.info({ ...files, validUntil: found.fit?.validUntil }, 'public certificate taken over');
    if (found.faults && isChanged) {
      log.warn({ ...files, faults: found.faults }, 'public certificate cannot be used: servers go on with the one before');
    }
  }
}
