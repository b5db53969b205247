import { describe, expectTypeOf, it } from 'vitest';
import type { ApiKeysService } from '../../../src/access/api-keys.service.js';
import type { BackupsService } from '../../../src/backups/sets/backups.service.js';
import type { exportAuditEvents, readAuditEvents } from '../../../src/changes/audit/read-audit-events.js';
import type { CustomersService } from '../../../src/customers/customers.service.js';
import type { DatabasesService } from '../../../src/databases/databases.service.js';
import type { Metadata } from '../../../src/metadata/metadata.js';
import type { Reach } from '../../../src/metadata/reach.js';
import type { OperationsService } from '../../../src/operations/operations.service.js';

/** Checked by the compiler: a read of tenants' rows that does not say how far its reader sees is no program. */
describe('a read of tenants\' rows', () => {
  it('does not compile without saying how far its reader sees', () => {
    expectTypeOf<Parameters<CustomersService['find']>[0]>().toEqualTypeOf<Reach>();
    expectTypeOf<Parameters<CustomersService['list']>[0]>().toEqualTypeOf<Reach>();
    expectTypeOf<Parameters<DatabasesService['find']>[0]>().toEqualTypeOf<Reach>();
    expectTypeOf<Parameters<DatabasesService['findOwned']>[0]>().toEqualTypeOf<Reach>();
    expectTypeOf<Parameters<DatabasesService['observe']>[0]>().toEqualTypeOf<Reach>();
    expectTypeOf<Parameters<DatabasesService['list']>[0]>().toEqualTypeOf<Reach>();
    expectTypeOf<Parameters<OperationsService['find']>[0]>().toEqualTypeOf<Reach>();
    expectTypeOf<Parameters<OperationsService['list']>[0]>().toEqualTypeOf<Reach>();
    expectTypeOf<Parameters<OperationsService['eventsAfter']>[0]>().toEqualTypeOf<Reach>();
    expectTypeOf<Parameters<BackupsService['list']>[0]>().toEqualTypeOf<Reach>();
    expectTypeOf<Parameters<ApiKeysService['list']>[0]>().toEqualTypeOf<Reach>();
    expectTypeOf<Parameters<typeof readAuditEvents>[1]>().toEqualTypeOf<Reach>();
    expectTypeOf<Parameters<typeof exportAuditEvents>[1]>().toEqualTypeOf<Reach>();
    expectTypeOf<Parameters<Metadata['read']>[0]>().toEqualTypeOf<Reach>();
    expectTypeOf<Parameters<Metadata['select']>[0]>().toEqualTypeOf<Reach>();
  });
});
