import { Column, Entity, PrimaryColumn } from 'typeorm';

/** The tenant: owns databases and has users. */
@Entity('customers')
export class CustomerEntity {
  @PrimaryColumn({ type: 'text' }) id!: string;
  @Column({ type: 'text' }) name!: string;
  @Column({ type: 'text' }) email!: string;
  /** The credential that signed the customer up. */
  @Column({ name: 'created_by', type: 'text' }) createdBy!: string;
  @Column({ name: 'created_at', type: 'timestamptz' }) createdAt!: Date;
}
