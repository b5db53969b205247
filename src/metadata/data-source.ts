import { DataSource, type DataSourceOptions, getMetadataArgsStorage } from 'typeorm';
import { Spine1700000000001 } from '../../migrations/1700000000001-spine.js';
import { Watching1700000000002 } from '../../migrations/1700000000002-watching.js';
import { KeptCopies1700000000004 } from '../../migrations/1700000000004-kept-copies.js';
import { Tracing1700000000005 } from '../../migrations/1700000000005-tracing.js';
import { Backups1700000000006 } from '../../migrations/1700000000006-backups.js';
import { DumpLinks1700000000007 } from '../../migrations/1700000000007-dump-links.js';
import { Clock1700000000008 } from '../../migrations/1700000000008-clock.js';
import { SlowSites1700000000009 } from '../../migrations/1700000000009-slow-sites.js';
import { Locales1700000000011 } from '../../migrations/1700000000011-locales.js';
import { Sights1700000000012 } from '../../migrations/1700000000012-sights.js';
import { Storage1700000000014 } from '../../migrations/1700000000014-storage.js';
import { DamagedCopies1700000000017 } from '../../migrations/1700000000017-damaged-copies.js';
import { Endpoints1700000000018 } from '../../migrations/1700000000018-endpoints.js';
import { OneDoor1700000000019 } from '../../migrations/1700000000019-one-door.js';
import { People1700000000020 } from '../../migrations/1700000000020-people.js';
import { Walls1700000000021 } from '../../migrations/1700000000021-walls.js';
import { AtRest1700000000022 } from '../../migrations/1700000000022-at-rest.js';
import { AuditChain1700000000023 } from '../../migrations/1700000000023-audit-chain.js';
import { Outages1700000000024 } from '../../migrations/1700000000024-outages.js';
import { Maintenance1700000000025 } from '../../migrations/1700000000025-maintenance.js';

/** An arbitrary number that all processes of a control plane agree on: who holds it migrates. */
const MIGRATION_LOCK = 7_362_514;

/**
 * Migrations are listed here. Entities are not: they are the classes declared with `@Entity` in what the process has loaded,
 * and code that uses an entity has loaded it. (`autoLoadEntities` of Nest comes too late: the data source is opened before.)
 */
export function dataSourceOptions(url: string): DataSourceOptions {
  return {
    type: 'postgres',
    url,
    entities: getMetadataArgsStorage().tables.map(({ target }) => target),
    migrations: [
      Spine1700000000001, Watching1700000000002, KeptCopies1700000000004, Tracing1700000000005, Backups1700000000006,
      DumpLinks1700000000007, Clock1700000000008, SlowSites1700000000009, Locales1700000000011, Sights1700000000012,
      Storage1700000000014, DamagedCopies1700000000017, Endpoints1700000000018, OneDoor1700000000019, People1700000000020,
      Walls1700000000021, AtRest1700000000022, AuditChain1700000000023, Outages1700000000024, Maintenance1700000000025,
    ],
    synchronize: false,
    logging: false,
    extra: { max: 16, connectionTimeoutMillis: 5_000, idleTimeoutMillis: 60_000, keepAlive: true, application_name: 'freehold' },
  };
}

/** Opens the metadata database and brings its schema up to date; several processes may do so at once. */
export async function openDataSource(options: DataSourceOptions): Promise<DataSource> {
  const dataSource = await new DataSource(options).initialize();
  const runner = dataSource.createQueryRunner();
  try {
    await runner.connect();
    await runner.query('SELECT pg_advisory_lock($1)', [MIGRATION_LOCK]);
    await dataSource.runMigrations({ transaction: 'each' });
    await runner.query('SELECT pg_advisory_unlock($1)', [MIGRATION_LOCK]);
  } catch (error) {
    await dataSource.destroy();
    throw error;
  } finally {
    if (!runner.isReleased) await runner.release().catch(() => undefined);
  }
  return dataSource;
}
