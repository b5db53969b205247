import { Column, Entity, PrimaryColumn } from 'typeorm';

/** What the clock of the metadata database showed when it was looked at last; the only row of its table. */
@Entity('clock_reading')
export class ClockReadingEntity {
  @PrimaryColumn({ type: 'boolean' }) one!: true;
  @Column({ name: 'looked_at', type: 'timestamptz' }) lookedAt!: Date;
  /** When it was last found to have jumped. */
  @Column({ name: 'doubted_at', type: 'timestamptz', nullable: true }) doubtedAt!: Date | null;
}
