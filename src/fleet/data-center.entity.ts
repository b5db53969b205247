import { Column, Entity, PrimaryColumn } from 'typeorm';

/** A part of a region that may be lost as a whole. */
@Entity('data_centers')
export class DataCenterEntity {
  @PrimaryColumn({ type: 'text' }) id!: string;
  @Column({ name: 'region_id', type: 'text' }) regionId!: string;
  @Column({ type: 'text' }) name!: string;
}
