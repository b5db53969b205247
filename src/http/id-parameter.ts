import { z } from 'zod';
import { type IdKind, ID_PREFIXES, isId } from '../metadata/ids.js';

/** The id in an address. A malformed id is answered like the id of a thing that does not exist. */
export const idParameter = (kind: IdKind) => ({
  schema: z.string().refine((text) => isId(kind, text)).meta({ example: `${ID_PREFIXES[kind]}_01hzy3v7q8k2w5n9t4r6x1m0pa` }),
});
