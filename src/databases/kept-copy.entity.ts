import { Column, Entity, PrimaryColumn } from 'typeorm';
import { WHOLE_NUMBER } from '../metadata/whole-number.js';

/** A copy of an instance's data that was moved aside, until an operator releases it. */
@Entity('kept_copies')
export class KeptCopyEntity {
  @PrimaryColumn({ name: 'instance_id', type: 'text' }) instanceId!: string;
  @PrimaryColumn({ name: 'kept_id', type: 'text' }) keptId!: string;
  @Column({ name: 'database_id', type: 'text' }) databaseId!: string;
  @Column({ name: 'host_id', type: 'text' }) hostId!: string;
  @Column({ name: 'kept_at', type: 'timestamptz' }) keptAt!: Date;
  @Column({ name: 'size_bytes', type: 'bigint', transformer: WHOLE_NUMBER }) sizeBytes!: number;
}
