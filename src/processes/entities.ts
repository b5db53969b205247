import { ApiKeyEntity } from '../access/api-key.entity.js';
import { CustomerEntity } from '../customers/customer.entity.js';
import { DatabaseEntity } from '../databases/database.entity.js';
import { InstanceEntity } from '../databases/instance.entity.js';

/** Every entity of the metadata database. */
export const ENTITIES = [ApiKeyEntity, CustomerEntity, DatabaseEntity, InstanceEntity];
