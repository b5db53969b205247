import { z } from 'zod';
import { type IdKind, ID_PREFIXES, isId } from '../metadata/ids.js';

/** The id in an address. One that is malformed is answered as one that nothing has. */
export const idParameter = (kind: IdKind) => ({
  schema: z.string().refine((text) => isId(kind, text)).meta({ example: `${ID_PREFIXES[kind]}_01hzy3v7q8k2w5n9t4r6x1m0pa` }),
});
