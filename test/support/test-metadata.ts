import { randomBytes } from 'node:crypto';
import type { DataSource } from 'typeorm';
import pg from 'pg';
import { dataSourceOptions, openDataSource } from '../../src/metadata/data-source.js';

/** A metadata database of a test's own, in a server that tests share. */
export interface TestMetadata {
  readonly url: string;
  readonly dataSource: DataSource;
  close(): Promise<void>;
}

export async function openTestMetadata(serverUrl: string): Promise<TestMetadata> {
  const name = `test_${randomBytes(6).toString('hex')}`;
  const server = new pg.Client(serverUrl);
  await server.connect();
  await server.query(`CREATE DATABASE ${name}`);
  await server.end();
  const url = serverUrl.replace(/\/[^/]*$/, `/${name}`);
  const dataSource = await openDataSource(dataSourceOptions(url));
  return { url, dataSource, close: () => dataSource.destroy() };
}
