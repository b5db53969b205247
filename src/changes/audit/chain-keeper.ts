import { Inject, Injectable } from '@nestjs/common';
import type { EntityManager } from 'typeorm';
import { reasonOf } from '../../base/reason-of.js';
import { SETTINGS } from '../../config/settings-token.js';
import type { Settings } from '../../config/settings.js';
import { Metadata } from '../../metadata/metadata.js';
import { queryRows } from '../../metadata/query-rows.js';
import { openAlert, resolveAlerts } from '../../operations/alerts.js';
import { type Duty, RunsInWorker } from '../../operations/duty.js';
import { Rounds } from '../../operations/rounds.js';
import { Vault } from '../../secrets/vault.js';
import type { Log } from '../../telemetry/log.js';
import { LOG } from '../../telemetry/log-token.js';
import { type Anchor, ANCHOR_FILE, type AnchorFile, writeAnchor } from './anchors.js';
import { type AuditRecord, AuditSeals, hashOfLink } from './audit-record.js';
import { RECORD_COLUMNS, verifyChain } from './verify-chain.js';

/** How long an entry waits for its place in the chain, at most, while a worker runs. */
const CHAIN_EVERY_MS = 1_000;
/** Entries that are chained in one transaction. */
const AT_ONCE = 500;
const ALERT = 'audit';
const WEBHOOK_WITHIN_MS = 10_000;

/**
 * Gives the entries of the audit their places in its chain, publishes the newest hash outside the metadata database, and
 * verifies all of it from time to time. Of several workers one does so at a time: the one that holds the lock of the chain's head.
 */
@RunsInWorker
@Injectable()
export class ChainKeeper implements Duty {
  private readonly rounds: Rounds;
  private readonly seals: AuditSeals;

  constructor(
    private readonly metadata: Metadata,
    vault: Vault,
    @Inject(SETTINGS) private readonly settings: Settings,
    @Inject(ANCHOR_FILE) private readonly file: AnchorFile,
    @Inject(LOG) private readonly log: Log,
  ) {
    this.seals = new AuditSeals(vault);
    this.rounds = new Rounds({
      everyMs: CHAIN_EVERY_MS, beginsAtOnce: true, round: () => this.keep(), whenFailed: 'the audit could not be chained', log,
    });
  }

  start(): void {
    this.rounds.start();
  }

  stop(): Promise<void> {
    return this.rounds.stop();
  }

  /** One round; also for those who cannot wait for the next. */
  async keep(): Promise<void> {
    while ((await this.chainSome()) === AT_ONCE);
    await this.publish();
    if (await this.isToBeVerified()) await this.verify();
  }

  /** Answers how many entries it has chained; none if another worker is at it. */
  private async chainSome(): Promise<number> {
    const { dataSource } = this.metadata;
    const waits = await queryRows(dataSource.manager, 'SELECT FROM audit_chain WHERE sequence IS NULL LIMIT 1');
    if (waits.length === 0) return 0;
    return this.metadata.transaction(async (tx) => {
      const [head] = await queryRows<{ sequence: string; hash: Buffer }>(
        tx, 'SELECT sequence, hash FROM audit_chain_head FOR UPDATE SKIP LOCKED',
      );
      return head ? this.chain(tx, Number(head.sequence), head.hash) : 0;
    });
  }

  private async chain(tx: EntityManager, last: number, lastHash: Buffer): Promise<number> {
    const rows = await queryRows<AuditRecord & { readonly seal: Buffer | null }>(tx,
      `SELECT c.seal, ${RECORD_COLUMNS} FROM audit_chain c JOIN audit_events e ON e.id = c.event_id
        WHERE c.sequence IS NULL ORDER BY (c.seal IS NOT NULL), c.event_id LIMIT $1`, [AT_ONCE]);
    if (rows.length === 0) return 0;
    const chainedAt = new Date().toISOString();
    let hash = lastHash;
    const links = rows.map(({ seal, ...record }, index) => {
      const sequence = last + index + 1;
      hash = hashOfLink(hash, { sequence, chainedAt, seal }, record);
      return { id: record.id, sequence, hash: hash.toString('hex') };
    });
    await tx.query(
      `UPDATE audit_chain c SET sequence = l.sequence, hash = decode(l.hash, 'hex'), chained_at = $2
         FROM json_to_recordset($1) AS l(id text, sequence bigint, hash text) WHERE c.event_id = l.id`,
      [JSON.stringify(links), chainedAt]);
    await tx.query('UPDATE audit_chain_head SET sequence = $1, hash = $2', [last + rows.length, hash]);
    return rows.length;
  }

  /** Tells the newest hash where the metadata database's administrators cannot take it back. */
  private async publish(): Promise<void> {
    const [row] = await queryRows<{ sequence: string; hash: string; at: Date }>(this.metadata.dataSource.manager,
      `UPDATE audit_chain_head SET published = sequence, published_at = now()
        WHERE sequence > published AND (published_at IS NULL OR published_at < now() - make_interval(secs => $1 / 1000.0))
       RETURNING sequence, encode(hash, 'hex') AS hash, published_at AS at`, [this.settings.FREEHOLD_AUDIT_PUBLISH_EVERY_MS]);
    if (!row) return;
    const anchor: Anchor = { sequence: Number(row.sequence), hash: row.hash, at: row.at };
    this.log.info({ sequence: anchor.sequence, hash: anchor.hash }, 'the audit has reached this hash');
    await this.file.append(writeAnchor(anchor))
      .catch((error: unknown) => this.log.error({ reason: reasonOf(error) }, 'the hash of the audit could not be written to its file'));
    await this.tellWebhook(anchor);
  }

  private async tellWebhook(anchor: Anchor): Promise<void> {
    const { FREEHOLD_AUDIT_WEBHOOK: url } = this.settings;
    if (url === undefined) return;
    try {
      // eslint-disable-next-line no-restricted-globals -- it has a deadline
      const response = await fetch(url, {
        method: 'POST', headers: { 'content-type': 'application/json' }, body: writeAnchor(anchor),
        signal: AbortSignal.timeout(WEBHOOK_WITHIN_MS),
      });
      await response.body?.cancel();
      if (!response.ok) throw new Error(`it answered ${response.status}`);
    } catch (error) {
      this.log.error({ reason: reasonOf(error) }, 'the hash of the audit could not be sent to FREEHOLD_AUDIT_WEBHOOK');
    }
  }

  /** True for one worker each time that it is due. */
  private async isToBeVerified(): Promise<boolean> {
    const rows = await queryRows(this.metadata.dataSource.manager,
      `UPDATE audit_chain_head SET verified_at = now() WHERE verified_at < now() - make_interval(secs => $1 / 1000.0) RETURNING 1`,
      [this.settings.FREEHOLD_AUDIT_VERIFY_EVERY_MS]);
    return rows.length > 0;
  }

  private async verify(): Promise<void> {
    const { valid, findings, findingsInAll } = await verifyChain({ metadata: this.metadata, seals: this.seals, file: this.file });
    if (valid) {
      await this.metadata.transaction((tx) => resolveAlerts(tx, [ALERT]));
      return;
    }
    const [{ kind, detail } = { kind: 'changed', detail: '' }] = findings;
    this.log.error({ findings, findingsInAll }, 'the audit is not what it was');
    await this.metadata.transaction((tx) => openAlert(tx, {
      key: ALERT, kind: ALERT, severity: 'critical', subjectId: null, operationId: null,
      message: `the audit is not what it was: ${kind}, ${detail}${findingsInAll > 1 ? `, and ${findingsInAll - 1} more` : ''}`,
      action: 'required', advice: 'run freehold audit verify; find out who can write to the metadata database',
    }));
  }
}
