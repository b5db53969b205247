import type pg from 'pg';
import type { DataSource } from 'typeorm';

/** The connections behind a data source, for those who need no entity and no transaction. */
export function poolOf({ driver }: DataSource): pg.Pool {
  return (driver as unknown as { readonly master: pg.Pool }).master;
}
