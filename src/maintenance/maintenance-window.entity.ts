import { Column, Entity, PrimaryColumn } from 'typeorm';

/** Time that operators have set aside for work that interrupts. */
@Entity('maintenance_windows')
export class MaintenanceWindowEntity {
  @PrimaryColumn({ type: 'text' }) id!: string;
  @Column({ name: 'region_id', type: 'text' }) regionId!: string;
  /** Null for the whole region. */
  @Column({ name: 'host_id', type: 'text', nullable: true }) hostId!: string | null;
  @Column({ name: 'starts_at', type: 'timestamptz' }) startsAt!: Date;
  @Column({ name: 'ends_at', type: 'timestamptz' }) endsAt!: Date;
  @Column({ type: 'text', nullable: true }) reason!: string | null;
  @Column({ type: 'boolean' }) urgent!: boolean;
  @Column({ name: 'created_by', type: 'text' }) createdBy!: string;
  @Column({ name: 'created_at', type: 'timestamptz' }) createdAt!: Date;
  /** If it was called off; what had begun ended then. */
  @Column({ name: 'cancelled_at', type: 'timestamptz', nullable: true }) cancelledAt!: Date | null;
}
