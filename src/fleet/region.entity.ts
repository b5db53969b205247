import { Column, Entity, PrimaryColumn } from 'typeorm';

/** Where a database lives, with all its instances. */
@Entity('regions')
export class RegionEntity {
  @PrimaryColumn({ type: 'text' }) id!: string;
  @Column({ type: 'text' }) name!: string;
  @Column({ name: 'time_zone', type: 'text' }) timeZone!: string;
  /** Its place in lists. */
  @Column({ type: 'integer' }) position!: number;
}
