import { Column, Entity, PrimaryColumn } from 'typeorm';

/** What was found of a backup site when it was looked at last. */
@Entity('backup_sites')
export class BackupSiteEntity {
  @PrimaryColumn({ type: 'text' }) id!: string;
  @Column({ type: 'boolean' }) usable!: boolean;
  /** Why it cannot be used. */
  @Column({ type: 'text', nullable: true }) reason!: string | null;
  /** Since when it can be used, or cannot. */
  @Column({ type: 'timestamptz' }) since!: Date;
  /** Why it is left out although it answers: what was measured of it. */
  @Column({ type: 'text', nullable: true }) slow!: string | null;
  @Column({ name: 'tried_at', type: 'timestamptz', nullable: true }) triedAt!: Date | null;
}
