import { Column, Entity, PrimaryColumn } from 'typeorm';

/** A link by which a dump is downloaded once. Only the hash of its token is kept. */
@Entity('dump_links')
export class DumpLinkEntity {
  @PrimaryColumn({ type: 'bytea' }) hash!: Buffer;
  @Column({ name: 'database_id', type: 'text' }) databaseId!: string;
  /** The key that made it. */
  @Column({ name: 'credential_id', type: 'text' }) credentialId!: string;
  @Column({ name: 'created_at', type: 'timestamptz' }) createdAt!: Date;
  @Column({ name: 'expires_at', type: 'timestamptz' }) expiresAt!: Date;
  @Column({ name: 'used_at', type: 'timestamptz', nullable: true }) usedAt!: Date | null;
}
