import { Injectable } from '@nestjs/common';
import type { EntityManager } from 'typeorm';
import type { BackupsPort } from '../../engine/backups-port.js';
import { Metadata } from '../../metadata/metadata.js';
import { openAlert, resolveAlerts } from '../../operations/alerts.js';
import { readClock } from '../sets/backup-facts.js';
import { BackupSiteEntity } from './backup-site.entity.js';
import { isTrialDue, judgeTrials, TRIAL_BYTES } from './judge-site-speed.js';

const PROBE_TIMEOUT_MS = 5_000;
const TRIAL_TIMEOUT_MS = 20_000;

/** What a site answered just now. */
export interface ProbedSite {
  readonly id: string;
  readonly name: string;
  readonly live: boolean;
  readonly usable: boolean;
  readonly reason: string | null;
  readonly madeAt: Date | null;
  /** Whether a site that cannot be used comes back by itself. */
  readonly heals?: boolean;
}

/** Knows which backup sites can be used, writes it down, and alerts operators of those that cannot. */
@Injectable()
export class BackupSiteWatch {
  constructor(private readonly metadata: Metadata) {}

  /** Asks every site. */
  probe(port: BackupsPort): Promise<ProbedSite[]> {
    return Promise.all(port.sites().map(async ({ id, name, kind }) => {
      const { usable, reason, madeAt } = await port.probe(id, AbortSignal.timeout(PROBE_TIMEOUT_MS));
      return { id, name, live: kind === 'live', usable, reason: reason ?? null, madeAt: madeAt ?? null };
    }));
  }

  /** Records what the sites answered, and answers with the live ones that are to be used. */
  async record(tx: EntityManager, probed: readonly ProbedSite[], now: Date): Promise<string[]> {
    const known = await tx.find(BackupSiteEntity);
    const sites = probed.map((site) => leaveOut(site, known.find(({ id }) => id === site.id), now));
    for (const site of sites) await recordSite(tx, site);
    return sites.filter(({ live, usable }) => live && usable).map(({ id }) => id);
  }

  /**
   * Measures the sites, if it is time to, by which one that is so slow that WAL waits for it is left out, and used again.
   *
   * @param waitingSeconds how long the oldest WAL of any database waits
   */
  async tryThem(port: BackupsPort, probed: readonly ProbedSite[], waitingSeconds: number): Promise<void> {
    const { manager } = this.metadata.dataSource;
    const known = await manager.find(BackupSiteEntity);
    const answering = probed.filter(({ live, usable }) => live && usable).map(({ id }) => id);
    if (!isTrialDue(known.filter(({ id }) => answering.includes(id)), waitingSeconds, await readClock(manager))) return;
    const trials = [];
    // One after the other, so that none is slow because of another.
    for (const id of answering) {
      const began = performance.now();
      const { usable } = await port.probe(id, AbortSignal.timeout(TRIAL_TIMEOUT_MS), TRIAL_BYTES);
      trials.push({ id, tookMs: usable ? performance.now() - began : TRIAL_TIMEOUT_MS });
    }
    for (const { id, slow } of judgeTrials(trials, known)) {
      await manager.update(BackupSiteEntity, { id }, { slow, triedAt: () => 'clock_timestamp()' });
    }
  }
}

/**
 * Besides what cannot be used: what is too slow; and, for a round, one that was lost and made anew before anybody saw that it
 * was gone. It lacks every set, and WAL would wait for it everywhere; taken for one that was down, it is made whole.
 */
function leaveOut(site: ProbedSite, known: BackupSiteEntity | undefined, now: Date): ProbedSite {
  if (!site.usable || !known) return site;
  if (known.slow !== null) return { ...site, usable: false, reason: known.slow, heals: true };
  const isRemade = known.usable && site.madeAt !== null && site.madeAt > known.since && site.madeAt <= now;
  return isRemade ? { ...site, usable: false, reason: 'it was made anew, and is filled again', heals: true } : site;
}

async function recordSite(tx: EntityManager, { id, name, usable, reason, heals = false }: ProbedSite): Promise<void> {
  await tx.query(
    `INSERT INTO backup_sites (id, usable, reason) VALUES ($1, $2, $3)
     ON CONFLICT (id) DO UPDATE SET usable = $2, reason = $3, since = now() WHERE backup_sites.usable <> $2`, [id, usable, reason]);
  const key = `backup-site:${id}`;
  if (usable) return resolveAlerts(tx, [key]);
  await openAlert(tx, {
    key, kind: 'backup-site', severity: 'critical', subjectId: id, operationId: null,
    message: `backup site ${name} cannot be used: ${reason ?? 'no reason given'}`,
    ...(heals
      ? {
        action: 'none',
        advice: 'it is tried again by itself, and what it lacks is copied there; if this stays, look at its disk and at the network to it',
      }
      : { action: 'required', advice: 'bring the site back: until then backups and WAL go to the other sites alone' }),
  });
}
