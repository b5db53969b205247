import { Column, Entity, PrimaryColumn } from 'typeorm';
import type { HostLoad } from './choose-hosts.js';

/** A machine for instances. */
@Entity('hosts')
export class HostEntity {
  @PrimaryColumn({ type: 'text' }) id!: string;
  @Column({ name: 'data_center_id', type: 'text' }) dataCenterId!: string;
  @Column({ type: 'text' }) address!: string;
  /** Hosts with the same one lose their disks together. */
  @Column({ name: 'storage_id', type: 'text' }) storageId!: string;
  @Column({ name: 'memory_mb', type: 'integer' }) memoryMb!: number;
  /** Whether instances are placed on it; `active` when it is first recorded. */
  @Column({ type: 'text' }) state!: HostLoad['state'];
}
