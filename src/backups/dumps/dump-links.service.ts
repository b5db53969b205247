import { Injectable } from '@nestjs/common';
import { InjectRepository } from '@nestjs/typeorm';
import { Equal, type EntityManager, Raw, type Repository } from 'typeorm';
import { Metadata } from '../../metadata/metadata.js';
import { queryRows } from '../../metadata/query-rows.js';
import { hashToken, isToken, newToken } from '../../secrets/secret-token.js';
import { DumpLinkEntity } from './dump-link.entity.js';

/** Whose dump a link leads to, and which key or user made it. */
export interface DumpLink {
  readonly databaseId: string;
  readonly credentialId: string;
}

/**
 * Links by which a browser downloads a dump: each once, for a short time, and no longer than whoever made it could.
 * A token is shown when it is made; only its hash is kept.
 */
@Injectable()
export class DumpLinksService {
  constructor(@InjectRepository(DumpLinkEntity) private readonly links: Repository<DumpLinkEntity>, private readonly metadata: Metadata) {}

  async create(
    tx: EntityManager, { databaseId, credentialId }: DumpLink, validForSeconds: number,
  ): Promise<{ readonly token: string; readonly expiresAt: Date }> {
    const token = newToken('link');
    await tx.withRepository(this.links).delete({ expiresAt: Raw((column) => `${column} < now()`) });
    const [made] = await queryRows<{ expiresAt: Date }>(tx,
      `INSERT INTO dump_links (hash, database_id, credential_id, expires_at)
       VALUES ($1, $2, $3, now() + make_interval(secs => $4)) RETURNING expires_at AS "expiresAt"`,
      [hashToken(token), databaseId, credentialId, validForSeconds]);
    if (!made) throw new Error('the link was not written down');
    return { token, expiresAt: made.expiresAt };
  }

  /** Where a link leads that can still be used; undefined for any other. */
  async find(token: string): Promise<DumpLink | undefined> {
    return this.query(token, `SELECT l.database_id AS "databaseId", l.credential_id AS "credentialId" FROM dump_links l WHERE ${USABLE}`);
  }

  /** Uses a link up: of two who come with it at once, one gets it. */
  async take(token: string): Promise<DumpLink | undefined> {
    return this.query(
      token,
      `UPDATE dump_links l SET used_at = now() WHERE ${USABLE} RETURNING l.database_id AS "databaseId", l.credential_id AS "credentialId"`,
    );
  }

  /** Makes a link usable again by which nothing was downloaded. */
  async giveBack(token: string): Promise<void> {
    await this.links.update({ hash: Equal(hashToken(token)) }, { usedAt: null });
  }

  private async query(token: string, statement: string): Promise<DumpLink | undefined> {
    if (!isToken('link', token)) return undefined;
    return (await queryRows<DumpLink>(this.metadata.dataSource.manager, statement, [hashToken(token)]))[0];
  }
}

const USABLE = `l.hash = $1 AND l.used_at IS NULL AND l.expires_at > now()
  AND EXISTS (SELECT FROM databases d WHERE d.id = l.database_id AND d.deleted_at IS NULL)
  AND (EXISTS (SELECT FROM api_keys k
                WHERE k.id = l.credential_id AND k.revoked_at IS NULL AND (k.expires_at IS NULL OR k.expires_at > now()))
       OR EXISTS (SELECT FROM users u WHERE u.id = l.credential_id AND u.disabled_at IS NULL AND u.role <> 'member'))`;
