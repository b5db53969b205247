import { Injectable } from '@nestjs/common';
import type { EntityManager } from 'typeorm';
import { withFullRights } from '../metadata/confine.js';
import { newId } from '../metadata/ids.js';
import { Metadata } from '../metadata/metadata.js';
import { queryRows } from '../metadata/query-rows.js';
import { Vault } from '../secrets/vault.js';
import type { Letter } from './letter.js';

/** Makes a mail of what it was asked for with, when it is about to be sent; undefined if by then there is nothing to tell. */
export type Compose<Data> = (recipient: string, data: Data) => Promise<Letter | undefined>;

/** A mail that is to be sent, as it was claimed for an attempt. */
export interface DueMail {
  readonly id: string;
  readonly kind: string;
  readonly recipient: string;
  readonly data: unknown;
  /** This one included. */
  readonly attempts: number;
}

/** For how long an attempt may go on before another is made. */
const CLAIMED_SECONDS = 120;
/** How long the record of a mail is kept after its end. */
const KEPT_DAYS = 30;

/**
 * The mails that are to be sent. They are asked for in the transaction of what they tell of, and sent afterwards by a worker: a mail
 * server that is slow or away delays no request, and what was rolled back is told to nobody.
 */
@Injectable()
export class MailsService {
  private readonly kinds = new Map<string, Compose<never>>();

  constructor(private readonly metadata: Metadata, private readonly vault: Vault) {}

  /** @throws Error if there is one of this kind already */
  define<Data>(kind: string, compose: Compose<Data>): void {
    if (this.kinds.has(kind)) throw new Error(`mails of the kind ${kind} are defined twice`);
    this.kinds.set(kind, compose);
  }

  async post(tx: EntityManager, kind: string, recipient: string, data: Readonly<Record<string, unknown>>): Promise<void> {
    const id = newId('mail');
    await withFullRights(tx, () => tx.query(
      'INSERT INTO mails (id, kind, recipient, sealed) VALUES ($1, $2, $3, $4)',
      [id, kind, recipient, this.vault.seal(JSON.stringify(data), id)],
    ));
  }

  /** The next mail that is due, which nobody else sends for a while. */
  async claim(): Promise<DueMail | undefined> {
    const [row] = await queryRows<Omit<DueMail, 'data'> & { sealed: Buffer }>(this.metadata.dataSource.manager,
      `UPDATE mails SET attempts = attempts + 1, due_at = now() + make_interval(secs => $1)
        WHERE id = (SELECT id FROM mails WHERE outcome IS NULL AND due_at <= now() ORDER BY due_at LIMIT 1 FOR UPDATE SKIP LOCKED)
        RETURNING id, kind, recipient, sealed, attempts`, [CLAIMED_SECONDS]);
    if (!row) return undefined;
    const { sealed, ...mail } = row;
    return { ...mail, data: JSON.parse(this.vault.unseal(sealed, mail.id).toString()) as unknown };
  }

  /** @throws Error for a kind that this process does not know */
  async compose({ kind, recipient, data }: DueMail): Promise<Letter | undefined> {
    const compose = this.kinds.get(kind);
    if (!compose) throw new Error(`mails of the kind ${kind} are not known here`);
    return compose(recipient, data as never);
  }

  /** Notes the end of a mail, and erases what it was made of. */
  async finish(id: string, outcome: 'sent' | 'dropped' | 'given-up', error: string | null = null): Promise<void> {
    await this.metadata.dataSource.query(
      'UPDATE mails SET outcome = $2, error = $3, finished_at = now(), sealed = NULL WHERE id = $1 AND outcome IS NULL',
      [id, outcome, error],
    );
  }

  async tryAgain(id: string, afterSeconds: number, error: string): Promise<void> {
    await this.metadata.dataSource.query(
      'UPDATE mails SET due_at = now() + make_interval(secs => $2), error = $3 WHERE id = $1 AND outcome IS NULL',
      [id, afterSeconds, error],
    );
  }

  async forgetOld(): Promise<void> {
    await this.metadata.dataSource.query('DELETE FROM mails WHERE finished_at < now() - make_interval(days => $1)', [KEPT_DAYS]);
  }
}
