import { Column, Entity, PrimaryColumn } from 'typeorm';

export const INSTANCE_STATES = ['starting', 'running', 'fenced', 'lost', 'rebuilding'] as const;
export type InstanceState = (typeof INSTANCE_STATES)[number];

export const INSTANCE_ROLES = ['primary', 'standby'] as const;
export type InstanceRole = (typeof INSTANCE_ROLES)[number];

/** One postmaster of a database, on one host. */
@Entity('instances')
export class InstanceEntity {
  @PrimaryColumn({ type: 'text' }) id!: string;
  @Column({ name: 'database_id', type: 'text' }) databaseId!: string;
  @Column({ name: 'host_id', type: 'text' }) hostId!: string;
  @Column({ type: 'text' }) role!: InstanceRole;
  @Column({ type: 'text' }) state!: InstanceState;
  @Column({ type: 'text' }) address!: string;
  /** Unknown until the instance was made. */
  @Column({ type: 'integer', nullable: true }) port!: number | null;
}
