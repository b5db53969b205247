import type { TestProject } from 'vitest/node';
import pg from 'pg';
import { dataSourceOptions, openDataSource } from '../../src/metadata/data-source.js';
import { startPostgres, startRedis } from './servers.js';

declare module 'vitest' {
  interface ProvidedContext {
    readonly postgresUrl: string;
    readonly redisUrl: string;
  }
}

/** The migrated database that every test file copies, in milliseconds, for its own. */
export const TEMPLATE = 'freehold_template';

/** Starts one PostgreSQL and one Redis for all test files of a run, and ends them with it. */
export default async function setUp(project: TestProject): Promise<() => Promise<void>> {
  const [postgres, redis] = await Promise.all([startPostgres(), startRedis()]);
  const server = new pg.Client(postgres.url);
  await server.connect();
  await server.query(`CREATE DATABASE ${TEMPLATE}`);
  await server.end();
  const template = await openDataSource(dataSourceOptions(postgres.url.replace(/\/[^/]*$/, `/${TEMPLATE}`)));
  await template.destroy();
  project.provide('postgresUrl', postgres.url);
  project.provide('redisUrl', redis.url);
  return async () => {
    await Promise.all([postgres.stop(), redis.stop()]);
  };
}
