import { CustomerEntity } from './customers/customer.entity.js';
import { DatabaseEntity } from './databases/database.entity.js';
import { InstanceEntity } from './databases/instance.entity.js';

/** Every entity of the metadata database. */
export const ENTITIES = [CustomerEntity, DatabaseEntity, InstanceEntity];
