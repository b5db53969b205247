import { Inject, Injectable } from '@nestjs/common';
import type { EntityManager } from 'typeorm';
import { Metadata } from '../metadata/metadata.js';
import { queryRows } from '../metadata/query-rows.js';
import { openAlert, resolveAlerts } from '../operations/alerts.js';
import { type Duty, RunsInWorker } from '../operations/duty.js';
import { Rounds } from '../operations/rounds.js';
import type { Log } from '../telemetry/log.js';
import { LOG } from '../telemetry/log-token.js';
import { type Burn, judgeBurn, LONGEST_MS } from './judge-burn.js';
import { UptimeService } from './uptime.service.js';

/** An arbitrary number: one worker at a time judges error budgets. */
const BURN_LOCK = 7_362_525;
const EVERY_MS = 30_000;

/** Alerts operators of error budgets, of the platform and of each database, that are used up too fast. */
@RunsInWorker
@Injectable()
export class BurnAlerts implements Duty {
  private readonly rounds: Rounds;

  constructor(private readonly metadata: Metadata, private readonly uptime: UptimeService, @Inject(LOG) log: Log) {
    this.rounds = new Rounds({
      everyMs: EVERY_MS, round: () => this.judge(), whenFailed: 'error budgets could not be judged in this round', log,
    });
  }

  start(): void {
    this.rounds.start();
  }

  stop(): Promise<void> {
    return this.rounds.stop();
  }

  /** One round. */
  judge(): Promise<void> {
    const nowMs = Date.now();
    return this.metadata.transaction(async (tx) => {
      const [row] = await queryRows<{ mine: boolean }>(tx, 'SELECT pg_try_advisory_xact_lock($1) AS mine', [BURN_LOCK]);
      if (!row?.mine) return;
      const lives = await this.uptime.readLives('platform', { fromMs: nowMs - LONGEST_MS, toMs: nowMs }, nowMs);
      const burning = new Set<string>();
      const tell = async (id: string | null, burn: Burn | undefined): Promise<void> => {
        if (!burn) return;
        burning.add(keyOf(id));
        await tellOf(tx, id, burn);
      };
      await tell(null, judgeBurn(lives, 'platform', nowMs));
      for (const id of new Set(lives.filter(({ outages }) => outages.length > 0).map(({ databaseId }) => databaseId))) {
        await tell(id, judgeBurn(lives.filter(({ databaseId }) => databaseId === id), 'database', nowMs));
      }
      const open = await queryRows<{ key: string }>(tx, `SELECT key FROM alerts WHERE kind = 'uptime' AND resolved_at IS NULL`);
      await resolveAlerts(tx, open.map(({ key }) => key).filter((key) => !burning.has(key)));
    });
  }
}

const keyOf = (databaseId: string | null): string => `uptime:${databaseId ?? 'platform'}`;

function tellOf(tx: EntityManager, databaseId: string | null, { severity, rate, hours }: Burn): Promise<void> {
  const of = databaseId === null ? 'the platform' : `database ${databaseId}`;
  const times = rate >= 100 ? 'more than a hundred' : String(Math.floor(rate));
  return openAlert(tx, {
    key: keyOf(databaseId), kind: 'uptime', severity, subjectId: databaseId, operationId: null,
    message: `over ${hours === 1 ? 'an hour' : `${hours} hours`}, ${of} was down for ${times} times as long as 99.9 % allow`,
    action: 'required', advice: 'see the newest outages for their cause, and the other alerts for what goes on',
  });
}
