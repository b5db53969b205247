import { z } from 'zod';
import { component, listOf } from '../http/components.js';
import { pageSchema } from '../http/paging.js';
import { LOCALE_PROVIDERS } from '../config/locale-names.js';
import { DEFAULT_PLAN } from '../fleet/plans.js';
import { operationSchema } from '../http/operation.schemas.js';
import { asProblem, text } from '../http/validation.js';
import type { OperationDocument } from '../operations/operation.js';
import { STOP_REASONS } from './stop-reasons.js';
import { DATABASE_STATES } from './derive-state.js';
import { INSTANCE_ROLES, INSTANCE_STATES } from './instance.entity.js';
import { MOST_MINUTES_TO_END } from './decide-pause.js';
import './database.problems.js';

export const databaseName = z.string()
  .regex(/^[a-z][a-z0-9-]{0,39}$/, 'must be 1 to 40 lower-case letters, digits and hyphens, beginning with a letter');

export const newDatabaseSchema = z.strictObject({
  customerId: z.string().max(64).meta({ example: 'cus_01hzy3v7q8k2w5n9t4r6x1m0pa' }),
  name: asProblem('invalid-name', databaseName.meta({
    description: 'Unique among the databases of the customer that are not deleted', example: 'shop',
  })),
  region: z.string().max(64).meta({ description: 'Where it lives; see `GET /v1/regions`', example: 'europe' }),
  plan: z.string().max(64).default(DEFAULT_PLAN).meta({ description: 'See `GET /v1/plans`' }),
  locale: text(100).optional().meta({
    description: 'By what text is sorted, such as `C.UTF-8` or, with provider `icu`, `de-DE` or `und`; '
      + '`C.UTF-8` (by code point) if it is left out',
    example: 'C.UTF-8',
  }),
  provider: z.enum(LOCALE_PROVIDERS).optional().meta({ description: 'Whose locale it is: `libc` if it is left out' }),
});
export type NewDatabaseBody = z.output<typeof newDatabaseSchema>;

/** The hours for which two passwords may be valid side by side. */
const MOST_OVERLAP_HOURS = 24;

export const passwordSchema = z.strictObject({
  overlapHours: z.number().min(0).max(MOST_OVERLAP_HOURS).default(0).meta({
    description: 'For so long the present password stays valid beside the new one, which goes with a user of its own until then, and '
      + 'with both users afterwards. 0: the present one ends at once',
  }),
}).prefault({});
export type PasswordBody = z.output<typeof passwordSchema>;

export const automationSchema = z.strictObject({ paused: z.boolean(), reason: text(500).optional() })
  .refine(({ paused, reason }) => !paused || reason !== undefined, { path: ['reason'], message: 'is required to pause automation' });
export type AutomationBody = z.output<typeof automationSchema>;

export const failoverSchema = z.strictObject({
  acceptDataLoss: z.boolean().default(false).meta({
    description: 'Promote a standby that is not in sync: what it has not received is lost',
  }),
}).prefault({});
export type FailoverBody = z.output<typeof failoverSchema>;

/** An operator's word for every operation that has to wait for transactions. */
export const endTransactionsAfterMinutes = z.number().int().min(0).max(MOST_MINUTES_TO_END).optional()
  .meta({
    description: 'End transactions that are still in the way after so many minutes; without it, they are waited for, for an hour at most',
  });
export const switchoverSchema = z.strictObject({ endTransactionsAfterMinutes }).prefault({});
export type SwitchoverBody = z.output<typeof switchoverSchema>;

export const deletionSchema = z.object({
  withoutBackup: z.enum(['true', 'false']).default('false').transform((text) => text === 'true')
    .meta({
      description: 'Do not wait until a backup holds everything that was written; what is not in one by then cannot be brought back',
    }),
});
export type DeletionQuery = z.output<typeof deletionSchema>;

export const databaseFilterSchema = pageSchema.extend({ customerId: z.string().max(64).optional(), region: z.string().max(64).optional() });

export const instanceSchema = z.object({
  id: z.string(),
  role: z.enum(INSTANCE_ROLES),
  state: z.enum(INSTANCE_STATES),
  host: z.string(),
  dataCenter: z.string(),
  address: z.string(),
  port: z.number().int().nullable(),
  lagBytes: z.number().nullable(),
  lagSeconds: z.number().nullable(),
});

export const keptCopySchema = z.object({
  id: z.string(),
  instanceId: z.string().meta({ description: 'Whose data it was; the instance may be gone' }),
  host: z.string(),
  keptAt: z.iso.datetime(),
  sizeBytes: z.number(),
});

export const STORAGE_STATES = ['ok', 'warning', 'readOnly', 'closed'] as const;

export const storageSchema = z.object({
  usedBytes: z.number().nullable().meta({ description: 'What its data takes on its primary; null until it was measured' }),
  limitBytes: z.number().meta({ description: 'What its plan gives to its data' }),
  state: z.enum(STORAGE_STATES).meta({
    description: '`warning`: more than 80 % are used. `readOnly`: only transactions that begin with `BEGIN READ WRITE` may write, so that '
      + 'there is room to delete and to vacuum. `closed`: nobody is let in',
  }),
  because: z.enum(STOP_REASONS).nullable().meta({
    description: '`plan`: its data fills its plan; open again below 95 %. `host`: it fills the disk of a host; open again once there is '
      + 'room',
  }),
});

export const databaseSchema = component('Database', z.object({
  id: z.string().meta({ example: 'db_01hzy3v7q8k2w5n9t4r6x1m0pa' }),
  customerId: z.string(),
  name: z.string(),
  region: z.string(),
  plan: z.string(),
  state: z.enum(DATABASE_STATES).meta({ description: 'What clients of the endpoint meet' }),
  automation: z.enum(['active', 'paused']),
  automationReason: z.string().nullable(),
  postgresVersion: z.string().nullable(),
  locale: z.string().meta({ description: 'By what it sorts text; it stays the same, and a restore keeps it' }),
  provider: z.enum(LOCALE_PROVIDERS).meta({ description: 'Whose locale it is' }),
  epoch: z.number().int().meta({ description: 'Goes up by one at each promotion' }),
  inSync: z.boolean().meta({ description: 'Whether at least one standby is recorded in sync, and was there when it was last looked at' }),
  observedAt: z.iso.datetime().nullable().meta({ description: 'When the database was last looked at' }),
  watched: z.boolean().meta({
    description: 'Whether it is looked at all the time; if not, `state`, `inSync` and `instances` tell what was last known, as of '
      + '`observedAt`; reading one database looks at it then',
  }),
  endpoint: z.object({
    host: z.string(),
    port: z.number().int().meta({ description: 'That of `uri`; each URI has a port of its own, the same for the life of the database' }),
    database: z.string(),
    user: z.string(),
    uri: z.string().meta({ description: 'A session of PostgreSQL itself, at the primary; without the password' }),
    pooledUri: z.string().meta({ description: 'Pools by transaction; without the password' }),
    readOnlyUri: z.string().meta({
      description: 'A session at a standby in sync, or at the primary where there is none; without the password',
    }),
  }),
  instances: z.array(instanceSchema),
  storage: storageSchema,
  keptCopies: z.array(keptCopySchema).meta({
    description: 'What failovers that accepted a loss of data moved aside, until an operator releases it',
  }),
  createdAt: z.iso.datetime(),
  deletedAt: z.iso.datetime().nullable(),
  purgeAt: z.iso.datetime().nullable().meta({ description: 'When the backups of a deleted database are destroyed' }),
}).meta({ description: 'What a customer owns: one primary, its standbys and one endpoint.' }));
export const databaseListSchema = listOf('DatabaseList', databaseSchema);

export type KeptCopyDocument = z.output<typeof keptCopySchema>;
export type StorageDocument = z.output<typeof storageSchema>;
export type InstanceDocument = z.output<typeof instanceSchema>;
/** A database as programs and people see it (`design.md`, part 4.2). */
export type DatabaseDocument = z.output<typeof databaseSchema>;

export const credentialsSchema = component('Credentials', z.object({
  user: z.string(),
  password: z.string(),
  uri: z.string().meta({ description: 'With the password; a session of PostgreSQL itself, at the primary' }),
  pooledUri: z.string().meta({ description: 'With the password; pools by transaction' }),
  readOnlyUri: z.string().meta({ description: 'With the password; a session at a standby in sync, or at the primary where there is none' }),
}).meta({ description: 'Shown once; a password is not kept.' }));
export type Credentials = z.output<typeof credentialsSchema>;

export const newDatabaseAnswerSchema = component(
  'NewDatabaseAnswer', z.object({ database: databaseSchema, operation: operationSchema, credentials: credentialsSchema }),
);
export const databaseOperationAnswerSchema = component(
  'DatabaseOperationAnswer', z.object({ database: databaseSchema, operation: operationSchema }),
);
export interface DatabaseOperationAnswer {
  readonly database: DatabaseDocument;
  readonly operation: OperationDocument;
}
export interface NewDatabaseAnswer extends DatabaseOperationAnswer {
  readonly credentials: Credentials;
}
