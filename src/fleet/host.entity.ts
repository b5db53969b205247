import { Column, Entity, PrimaryColumn } from 'typeorm';
import type { AtRestEncryption } from '../engine/ports.js';
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
  /** How the files of instances that are made on it are encrypted. */
  @Column({ name: 'encrypted_at_rest', type: 'text' }) encryptedAtRest!: AtRestEncryption;
  /** Whether instances are placed on it; `active` when it is first recorded. */
  @Column({ type: 'text' }) state!: HostLoad['state'];
}
