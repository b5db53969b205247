import { describe, expect, it } from 'vitest';

import { chooseFollowed, isOutgrown, readFollowed, withFollowed } from '../../../../../../src/engine/local/instances/files/followed-settings.js';
import { postgresConfiguration } from '../../../../../../src/engine/local/instances/files/instance-settings.js';

const defaults = { max_connections: 100, max_worker_processes: 8, max_wal_senders: 10, max_prepared_transactions: 0, max_locks_per_transaction: 64 };
const had = { ...defaults, max_connections: 56 };
const wanted = { ...defaults, max_connections: 60, max_locks_per_transaction: 384 };
const ours = postgresConfiguration({ address: '127.9.1.11', port: 15_432, size: { memoryMb: 256, maxConnections: 50, diskGb: 10 }, etc: '/fleet/etc', archiveCommand: 'exec archive %p', name: 'ins_a' });

describe('settings of which a standby may not have less than its primary', () => {
  it('are read from what was written, and are PostgreSQL\'s own where it says nothing', () => {
    expect(readFollowed('')).toEqual(defaults);
    expect(readFollowed("# max_connections = 7\nmax_connections = 56\nshared_buffers = '16MB'\n")).toEqual(had);
    expect(readFollowed(ours)).toEqual(wanted);
  });

  it('stay as they were on a primary that others follow, and reach everybody else at once', () => {
    expect(chooseFollowed(wanted, had, true)).toEqual(had);
    expect(chooseFollowed(wanted, had, false)).toEqual(wanted);
    expect(chooseFollowed(wanted, undefined, true)).toEqual(wanted);
    // A standby never gets less than it had: its primary may have as much.
    expect(chooseFollowed(had, wanted, false)).toEqual(wanted);
  });

  it('make a standby that runs with less too small to follow', () => {
    expect([isOutgrown(had, wanted), isOutgrown(wanted, wanted), isOutgrown(wanted, had)]).toEqual([true, false, false]);
  });

  it('are put into a configuration in the place of its own', () => {
    const text = withFollowed(ours, { ...had, max_prepared_transactions: 3 });
    expect(readFollowed(text)).toEqual({ ...had, max_prepared_transactions: 3 });
    expect(text.replaceAll(/^max_\w+ = \d+\n/gm, '')).toBe(ours.replaceAll(/^max_\w+ = \d+\n/gm, ''));
    expect(withFollowed(ours, wanted)).toBe(ours);
  });
});
