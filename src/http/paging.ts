import { z } from 'zod';
import { ProblemError } from '../problems/problem.js';

const DEFAULT_LIMIT = 50;
const HIGHEST_LIMIT = 200;

/** `?limit=&cursor=` */
export const pageSchema = z.object({
  limit: z.coerce.number({ error: 'must be a number' }).int().min(1).max(HIGHEST_LIMIT).default(DEFAULT_LIMIT),
  cursor: z.string().max(200).optional(),
});

export type Page = z.output<typeof pageSchema>;

/** The id after which the page begins. Lists go by id, newest first, so that rows that come and go move nothing. */
export function cursorToId({ cursor }: Page): string | undefined {
  if (cursor === undefined) return undefined;
  const id = Buffer.from(cursor, 'base64url').toString();
  if (!/^[a-z]+_[0-9a-z]{1,40}$/.test(id) || Buffer.from(id).toString('base64url') !== cursor) {
    throw new ProblemError('invalid-cursor', 'the cursor is not one of this API', {
      fields: [{ field: 'cursor', message: 'must come from nextCursor' }],
    });
  }
  return id;
}

/** Makes a page of one more row than it shows: whether there is that one tells whether there is a next page. */
export async function pageOf<Row extends { readonly id: string }, Item>(
  page: Page, read: (limit: number, before: string | undefined) => Promise<readonly Row[]>, show: (row: Row) => Item,
): Promise<{ data: Item[]; nextCursor: string | null }> {
  const rows = await read(page.limit + 1, cursorToId(page));
  const shown = rows.slice(0, page.limit);
  const last = shown.at(-1);
  return { data: shown.map(show), nextCursor: rows.length > page.limit && last ? Buffer.from(last.id).toString('base64url') : null };
}
