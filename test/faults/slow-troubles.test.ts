import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import pg from 'pg';
import { startControlPlane, type TestControlPlane } from '../support/control-plane.js';
import { eventually } from '../support/servers.js';
import { DatabaseUnderTest } from './support/database-under-test.js';

const LAG_SECONDS = 2;
/** WAL that a slot may keep in this test; its writer needs a moment for more. */
const SLOT_MB = 24;
const MIB = 2 ** 20;

let plane: TestControlPlane;
let database: DatabaseUnderTest;
let primary: string;
let standby: string;

beforeAll(async () => {
  plane = await startControlPlane({
    settings: { FREEHOLD_INSPECT_EVERY_MS: '250', FREEHOLD_ALERT_LAG_SECONDS: `${LAG_SECONDS}`, FREEHOLD_ALERT_TRANSACTION_SECONDS: '1' },
  });
  database = await DatabaseUnderTest.provision(plane);
  primary = (await database.instance('primary')).id;
  standby = (await database.instance('standby')).id;
});
afterAll(() => plane?.stop());

const raised = (kind: string, severity?: string) => eventually(async () => {
  const [alert] = await database.openAlerts(kind);
  return alert && (severity === undefined || alert.severity === severity) && alert;
});
const resolved = (...kinds: string[]) => eventually(async () => (await Promise.all(kinds.map((kind) => database.openAlerts(kind)))).every((open) => open.length === 0));
const lagOfStandby = async () => (await database.instance('standby'));
const writeWal = (mebibytes: number) => database.asControl(primary, ...Array.from({ length: mebibytes }, () => `SELECT pg_logical_emit_message(false, 'test', repeat('x', ${MIB}))`));

/** What goes wrong slowly is seen, said, and taken back by itself when it is over. One database goes through it all. */
describe('operators are alerted of', () => {
  it('a transaction that stays open', async () => {
    const client = new pg.Client(database.credentials.uri);
    await client.connect();
    await client.query('BEGIN');
    await client.query('SELECT txid_current()');
    expect(await raised('transaction')).toMatchObject({ severity: 'warning', message: expect.stringContaining(primary) as string });
    await client.query('COMMIT');
    await resolved('transaction');
    await client.end();
  });

  it('a standby that falls behind in replaying', async () => {
    const client = new pg.Client(database.credentials.uri);
    await client.connect();
    await client.query('CREATE TABLE t (n int)');
    await database.asControl(standby, 'SELECT pg_wal_replay_pause()');
    await eventually(async () => {
      await client.query('INSERT INTO t VALUES (1)');
      return (await database.openAlerts('lag')).length > 0;
    });
    expect((await lagOfStandby()).lagSeconds).toBeGreaterThanOrEqual(LAG_SECONDS);
    await database.asControl(standby, 'SELECT pg_wal_replay_resume()');
    await eventually(async () => {
      await client.query('INSERT INTO t VALUES (1)');
      return (await database.openAlerts('lag')).length === 0;
    });
    await client.end();
  });

  it('a standby that does not stream, a slot that keeps much for it, and one that is lost', async () => {
    await database.setAutomation(true);
    await database.asControl(primary, `ALTER SYSTEM SET max_slot_wal_keep_size = '${SLOT_MB}MB'`, 'ALTER SYSTEM SET wal_keep_size = 0', 'SELECT pg_reload_conf()');
    const stopped = await database.signal(standby, 'SIGSTOP');
    expect(await raised('replication')).toMatchObject({ severity: 'critical', message: expect.stringContaining(standby) as string });
    await writeWal(SLOT_MB - 3);
    expect(await raised('slot')).toMatchObject({ severity: 'warning', message: expect.stringContaining('may keep') as string });
    // The look that raised the alert may have come before the last of it was written.
    await eventually(async () => ((await lagOfStandby()).lagBytes ?? 0) > (SLOT_MB - 4) * MIB);
    expect((await lagOfStandby()).lagSeconds).toBeGreaterThanOrEqual(LAG_SECONDS);
    await writeWal(SLOT_MB);
    await database.asControl(primary, 'CHECKPOINT');
    await raised('slot', 'critical');

    for (const pid of stopped) process.kill(pid, 'SIGCONT');
    await database.setAutomation(false);
    await database.settled(1);
    await resolved('slot', 'replication', 'lag');
    await eventually(async () => (await lagOfStandby()).lagBytes === 0);
  });

  it('nothing that is about a database that was deleted', async () => {
    await database.setAutomation(true);
    await database.signal(standby, 'SIGKILL');
    await raised('replication');
    await database.delete();
    await resolved('replication', 'primary');
  });
});
