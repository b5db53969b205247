import { z } from 'zod';
import { component } from '../../http/components.js';
import { credentialsSchema, databaseName, databaseSchema } from '../../databases/database.schemas.js';
import { operationSchema } from '../../http/operation.schemas.js';
import { asProblem } from '../../http/validation.js';

const momentSchema = z.iso.datetime({ offset: true });

export const restoreSchema = z.strictObject({
  time: z.string()
    .refine(
      (text) => text === 'latest' || momentSchema.safeParse(text).success,
      'must be latest, or an RFC 3339 time such as 2026-11-24T10:15:00+01:00',
    )
    .optional()
    .meta({
      description: 'The moment whose state is wanted, with any offset, or `latest` for all that was archived, as '
        + 'when every instance is gone; or `backupId`',
      example: '2026-11-24T10:15:00+01:00',
    }),
  backupId: z.string().max(64).optional().meta({ description: 'The backup whose state is wanted; or `time`' }),
  into: z.enum(['new', 'inPlace']).meta({
    description: 'A new database beside this one, or this one itself; its present state is then kept aside',
  }),
  name: asProblem('invalid-name', databaseName.optional().meta({
    description: 'Of the new database; made of the name of this one if left out',
  })),
})
  .refine(({ time, backupId }) => (time === undefined) !== (backupId === undefined), {
    path: ['time'], message: 'or backupId is required, and not both',
  })
  .refine(({ into, name }) => into === 'new' || name === undefined, {
    path: ['name'], message: 'is only for a restore into a new database',
  });
export type RestoreBody = z.output<typeof restoreSchema>;

export const undeleteSchema = z.strictObject({
  name: asProblem('invalid-name', databaseName.optional().meta({
    description: 'Another name than it had, as when that is taken by now; its endpoint and password stay the same',
  })),
}).prefault({});
export type UndeleteBody = z.output<typeof undeleteSchema>;

export const restoreAnswerSchema = component('RestoreAnswer', z.object({
  database: databaseSchema, operation: operationSchema,
  credentials: z.object(credentialsSchema.shape).optional().meta({ description: 'Of a new database; shown once' }),
}));
