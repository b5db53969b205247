import { z } from 'zod';
import { component, listOf } from '../http/components.js';
import { AT_REST_ENCRYPTIONS } from '../engine/ports.js';
import { PLAN_IDS } from './plans.js';

/** A place where backups are kept. */
export const backupSiteSchema = z.object({
  id: z.string(),
  name: z.string(),
  country: z.string().meta({ description: 'ISO 3166', example: 'DE' }),
  dataCenter: z.string(),
  kind: z.enum(['live', 'frozen']).meta({ description: 'A frozen copy is written once and cannot change' }),
});

export const regionSchema = component('Region', z.object({
  id: z.string().meta({ example: 'europe' }),
  name: z.string(),
  timeZone: z.string().meta({ example: 'Europe/Berlin' }),
  open: z.boolean().meta({ description: 'Whether new databases are placed in it' }),
  dataCenters: z.array(z.object({ id: z.string(), name: z.string() })),
  backupSites: z.array(backupSiteSchema).meta({
    description: 'Where backups of its databases are kept; they cannot be chosen or restricted',
  }),
}).meta({ description: 'Where a database lives, primary and standbys, and nowhere else.' }));
export const regionListSchema = listOf('RegionList', regionSchema);

export const planSchema = component('Plan', z.object({
  id: z.enum(PLAN_IDS),
  name: z.string(),
  standbys: z.number().int(),
  memoryMb: z.number().int(),
  maxConnections: z.number().int().meta({ description: 'Sessions at once, those of the pooler included' }),
  pooledConnections: z.number().int().meta({ description: 'Sessions that the pooler uses at once for one database' }),
  pooledClients: z.number().int().meta({ description: 'Clients of `pooledUri` at once' }),
  diskGb: z.number().int(),
  databasesPerCustomer: z.number().int(),
}).meta({ description: 'What a customer buys.' }));
export const planListSchema = listOf('PlanList', planSchema);

export const hostSchema = component('Host', z.object({
  id: z.string(),
  region: z.string(),
  dataCenter: z.string(),
  address: z.string(),
  storageId: z.string(),
  state: z.enum(['active', 'draining', 'lost']),
  memoryMb: z.number().int(),
  promisedMb: z.number().int(),
  instances: z.number().int(),
  encryptedAtRest: z.enum(AT_REST_ENCRYPTIONS).meta({
    description: 'How the files of instances that are made on it are encrypted, each database\'s with a key of its own',
  }),
}).meta({ description: 'A machine that instances run on.' }));
export const hostListSchema = listOf('HostList', hostSchema);
