import { z } from 'zod';

/** Databases of an instance that hold nothing of the customer's. */
const NOT_THEIRS = new Set(['freehold', 'template0', 'template1']);
/** PostgreSQL's longest name. */
const LONGEST_NAME_BYTES = 63;

const isName = (name: string): boolean => name !== '' && Buffer.byteLength(name) <= LONGEST_NAME_BYTES && !/\p{Control}/u.test(name);

export const dumpQuerySchema = z.object({
  database: z.string().refine(isName, `must be a database's name, of ${LONGEST_NAME_BYTES} bytes at most`)
    .refine((name) => !NOT_THEIRS.has(name), 'is none of the customer\'s own databases').optional()
    .meta({ description: 'A database of the instance, by its name there; that of the endpoint if it is left out' }),
});
export type DumpQuery = z.output<typeof dumpQuerySchema>;
