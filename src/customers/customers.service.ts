import { Injectable } from '@nestjs/common';
import { InjectRepository } from '@nestjs/typeorm';
import type { EntityManager, Repository } from 'typeorm';
import { newId } from '../metadata/ids.js';
import { Metadata } from '../metadata/metadata.js';
import { type Reach, confineTo } from '../metadata/reach.js';
import { CustomerEntity } from './customer.entity.js';

export interface CustomerDocument {
  readonly id: string;
  readonly name: string;
  readonly email: string;
  readonly createdAt: string;
}

export function describeCustomer({ id, name, email, createdAt }: CustomerEntity): CustomerDocument {
  return { id, name, email, createdAt: createdAt.toISOString() };
}

/** The tenants. */
@Injectable()
export class CustomersService {
  constructor(
    @InjectRepository(CustomerEntity) private readonly customers: Repository<CustomerEntity>,
    private readonly metadata: Metadata,
  ) {}

  async create(
    tx: EntityManager, request: { readonly name: string; readonly email: string; readonly createdBy: string },
  ): Promise<CustomerEntity> {
    const customer = this.customers.create({ ...request, id: newId('customer'), createdAt: new Date() });
    await tx.withRepository(this.customers).insert(customer);
    return customer;
  }

  async find(reach: Reach, id: string): Promise<CustomerEntity | undefined> {
    return (await this.query(reach, { id, limit: 1 }))[0];
  }

  list(reach: Reach, page: { readonly before?: string | undefined; readonly limit: number }): Promise<CustomerEntity[]> {
    return this.query(reach, page);
  }

  private query(
    reach: Reach, filter: { readonly id?: string; readonly before?: string | undefined; readonly limit: number },
  ): Promise<CustomerEntity[]> {
    const visible = confineTo(reach, 'customer.id', 1);
    return this.metadata.read(reach, (tx) => {
      const query = tx.withRepository(this.customers).createQueryBuilder('customer')
        .where(visible.condition.replace('$1', ':reach'), { reach: visible.parameters[0] })
        .orderBy('customer.id', 'DESC').take(filter.limit);
      if (filter.id !== undefined) query.andWhere('customer.id = :id', { id: filter.id });
      if (filter.before !== undefined) query.andWhere('customer.id < :before', { before: filter.before });
      return query.getMany();
    });
  }
}
