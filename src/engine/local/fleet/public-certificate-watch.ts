import type { LocalFleet } from './local-fleet.js';

const LOOK_EVERY_MS = 1_000;
const DAY_MS = 24 * 60 * 60_000;
/** People renew certificates a month before they end, or a third of their life. */
const WARN_BEFORE_MS = 14 * DAY_MS;

/** Sees when the operator has renewed the public certificate in its files, and takes it over. */
export class PublicCertificateWatch {
  private lookedAt = -Infinity;
  /** When the files that were judged last had been written. */
  private judged: string | undefined;
  private judgedAt = -Infinity;
  private looking: Promise<void> | undefined;

  constructor(private readonly fleet: LocalFleet) {}

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
    if (now === this.judged && performance.now() - this.judgedAt < DAY_MS) return;
    const found = await this.fleet.renewPublicCertificate();
    this.judged = now;
    this.judgedAt = performance.now();
    if (found?.faults) log.warn({ ...files, faults: found.faults }, 'public certificate cannot be used: servers go on with the one before');
    else if (found?.isNew) log.info({ ...files, validUntil: found.fit?.validUntil }, 'public certificate taken over');
    if (found?.fit && found.fit.validUntil.getTime() - Date.now() < WARN_BEFORE_MS) {
      log.warn({ ...files, validUntil: found.fit.validUntil }, 'public certificate ends soon: renew it');
    }
  }
}
