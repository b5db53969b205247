import { Column, Entity, PrimaryColumn } from 'typeorm';
import type { LocaleProvider } from '../config/locale-names.js';
import type { Login } from './decide-logins.js';

/** What a customer owns: one primary, its standbys, and one endpoint. */
@Entity('databases')
export class DatabaseEntity {
  @PrimaryColumn({ type: 'text' }) id!: string;
  @Column({ name: 'customer_id', type: 'text' }) customerId!: string;
  @Column({ type: 'text' }) name!: string;
  @Column({ name: 'region_id', type: 'text' }) regionId!: string;
  @Column({ type: 'text' }) plan!: string;
  @Column({ name: 'postgres_version', type: 'text', nullable: true }) postgresVersion!: string | null;
  /** Goes up by one at each promotion. */
  @Column({ type: 'integer' }) epoch!: number;
  /** The instances recorded in sync: R of protocol rule 3. */
  @Column({ name: 'in_sync', type: 'text', array: true }) inSync!: string[];
  /** The reason for which automation is paused; null while it acts. */
  @Column({ name: 'automation_paused', type: 'text', nullable: true }) automationPaused!: string | null;
  /** The number of its endpoint in its region; its ports are made of it, and it keeps it until its backups are purged. */
  @Column({ name: 'endpoint_slot', type: 'integer' }) endpointSlot!: number;
  @Column({ name: 'endpoint_database', type: 'text' }) endpointDatabase!: string;
  @Column({ name: 'endpoint_user', type: 'text' }) endpointUser!: string;
  /** By what it sorts text; the same for as long as it lives, and in what is restored from it. */
  @Column({ name: 'locale_provider', type: 'text' }) localeProvider!: LocaleProvider;
  @Column({ name: 'locale', type: 'text' }) locale!: string;
  @Column({ name: 'owner_verifier', type: 'text' }) ownerVerifier!: string;
  /** Until when that verifier's password is valid; null without an end. */
  @Column({ name: 'owner_until', type: 'timestamptz', nullable: true }) ownerUntil!: Date | null;
  /** As whom else the owner may log in, with newer passwords. */
  @Column({ name: 'owner_logins', type: 'jsonb' }) ownerLogins!: readonly Login[];
  /** Networks from which clients may come; it keeps them when it is brought back, and what is restored from it has the same. */
  @Column({ name: 'allow_list', type: 'text', array: true }) allowList!: string[];
  /** Whether its endpoint was told of that list. */
  @Column({ name: 'allow_list_enforced', type: 'boolean' }) allowListEnforced!: boolean;
  @Column({ name: 'unix_account', type: 'integer' }) unixAccount!: number;
  /** The passwords of its instances' own roles, sealed for the database's id; null once it is deleted. */
  @Column({ name: 'sealed_secrets', type: 'bytea', nullable: true }) sealedSecrets!: Buffer | null;
  /** The key of its files, sealed apart from the other secrets: erased first when it is deleted; null if it is older than that. */
  @Column({ name: 'sealed_volume_key', type: 'bytea', nullable: true }) sealedVolumeKey!: Buffer | null;
  @Column({ name: 'provisioned_at', type: 'timestamptz', nullable: true }) provisionedAt!: Date | null;
  @Column({ name: 'created_at', type: 'timestamptz' }) createdAt!: Date;
  @Column({ name: 'deleted_at', type: 'timestamptz', nullable: true }) deletedAt!: Date | null;
  /** When its backups and their key are destroyed. */
  @Column({ name: 'purge_at', type: 'timestamptz', nullable: true }) purgeAt!: Date | null;
}
