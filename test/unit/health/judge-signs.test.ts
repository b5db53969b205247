import { describe, expect, it } from 'vitest';
import type { InstanceInspection } from '../../../src/engine/ports.js';
import { type DatabaseSigns, judgeSigns, type MemberSigns, measureLags, type OpenAlert, type SignAlert } from '../../../src/health/judge-signs.js';

const MIB = 2 ** 20;
const LIMITS = { lagSeconds: 30, transactionSeconds: 3_600 };

type Change = Partial<InstanceInspection>;

const inspection = (role: 'primary' | 'standby', change: Change = {}): InstanceInspection => ({
  role, wal: { bytes: 100 * MIB, usualBytes: 1_000 * MIB }, oldestTransaction: null, heldBack: null, disk: { usedBytes: 10, freeBytes: 90, own: true },
  slots: role === 'primary' ? [{ name: 'ins_b', active: true, status: 'reserved', keptBytes: 0, limitBytes: 1_000 * MIB }] : [],
  standbys: role === 'primary' ? [{ instanceId: 'ins_B', state: 'streaming', syncState: 'quorum', flushLsn: '0/1', lagBytes: 0, lagSeconds: 0 }] : [],
  ...change,
});

const signs = (change: { primary?: Change | null; standby?: Change | null; awaySeconds?: number | undefined; state?: string; underWay?: string; automationPaused?: boolean } = {}): DatabaseSigns => {
  const of = (role: 'primary' | 'standby'): InstanceInspection | undefined => (change[role] === null ? undefined : inspection(role, change[role]));
  const member = (role: 'primary' | 'standby', instanceId: string, hostId: string): MemberSigns => ({
    instanceId, hostId, role, state: role === 'standby' ? change.state ?? 'running' : 'running', inspection: of(role),
    awaySeconds: role === 'primary' ? undefined : 'awaySeconds' in change ? change.awaySeconds : 0,
  });
  return { databaseId: 'db_1', members: [member('primary', 'ins_A', 'hst_1'), member('standby', 'ins_B', 'hst_2')], underWay: change.underWay ?? null, automationPaused: change.automationPaused ?? false };
};

/** As the second of two inspections that see the same. */
const judge = (database: DatabaseSigns, open: readonly OpenAlert[] = []) => judgeSigns(database, LIMITS, open, new Set(judgeSigns(database, LIMITS, open).suspected));
const raised = (database: DatabaseSigns, open?: readonly OpenAlert[]): [string, string][] => judge(database, open).raise.map(({ kind, severity }) => [kind, severity]);
const opened = (alerts: readonly SignAlert[]): OpenAlert[] => alerts.map(({ key, severity, action, subjectId }) => ({ key, severity, action, subjectId }));

const lagging = (lagBytes: number, lagSeconds: number): Change =>
  ({ standbys: [{ instanceId: 'ins_B', state: 'streaming', syncState: 'quorum', flushLsn: '0/1', lagBytes, lagSeconds }] });
const slot = (change: Partial<InstanceInspection['slots'][number]>): Change =>
  ({ slots: [{ name: 'ins_b', active: false, status: 'extended', keptBytes: 0, limitBytes: 1_000 * MIB, ...change }] });

describe('what is inspected', () => {
  it('of a healthy database raises nothing', () => {
    expect(judge(signs())).toEqual({ raise: [], resolve: [], suspected: [] });
  });

  // What is a trouble; what takes it back; what lies in between, and changes nothing either way.
  it.each<[string, DatabaseSigns, DatabaseSigns, [string, string]]>([
    ['a lag in bytes', signs({ primary: lagging(64 * MIB, 0) }), signs({ primary: lagging(40 * MIB, 0) }), ['lag', 'warning']],
    ['a lag in seconds', signs({ primary: lagging(0, 30) }), signs({ primary: lagging(0, 20) }), ['lag', 'warning']],
    ['a slot near its limit', signs({ primary: slot({ keptBytes: 800 * MIB }) }), signs({ primary: slot({ keptBytes: 600 * MIB }) }), ['slot', 'warning']],
    ['WAL piling up', signs({ primary: { wal: { bytes: 2_000, usualBytes: 1_000 } } }), signs({ primary: { wal: { bytes: 1_600, usualBytes: 1_000 } } }), ['wal', 'warning']],
    ['a disk filling', signs({ standby: { disk: { usedBytes: 85, freeBytes: 15, own: true } } }), signs({ standby: { disk: { usedBytes: 82, freeBytes: 18, own: true } } }), ['disk', 'warning']],
  ])('%s is raised at one value, and taken back at a lower one', (_, trouble, between, expected) => {
    expect(raised(trouble)).toEqual([expected]);
    expect(raised(between)).toEqual([]);
    const open = opened(judge(trouble).raise);
    expect(judge(trouble, open)).toMatchObject({ raise: [], resolve: [] });
    expect(judge(between, open)).toMatchObject({ raise: [], resolve: [] });
    expect(judge(signs(), open)).toMatchObject({ raise: [], resolve: open.map(({ key }) => key) });
  });

  it.each([['a lag', signs({ primary: lagging(64 * MIB, 0) })], ['WAL', signs({ primary: { wal: { bytes: 2_000, usualBytes: 1_000 } } })]])('%s in one inspection alone is a burst, and no trouble', (_, burst) => {
    const first = judgeSigns(burst, LIMITS, []);
    expect(first.raise).toEqual([]);
    expect(judgeSigns(signs(), LIMITS, [], new Set(first.suspected))).toEqual({ raise: [], resolve: [], suspected: [] });
    expect(judgeSigns(burst, LIMITS, [], new Set(first.suspected)).raise).toHaveLength(1);
  });

  it('a standby that does not stream for longer than it may: critical, unless an operation brings it back', () => {
    expect(raised(signs({ awaySeconds: 29 }))).toEqual([]);
    expect(raised(signs({ awaySeconds: 30 }))).toEqual([['replication', 'critical']]);
    expect(raised(signs({ awaySeconds: 120, state: 'rebuilding', underWay: 'failover' }))).toEqual([]);
    expect(raised(signs({ awaySeconds: 300, state: 'rebuilding', underWay: 'failover' }))).toEqual([['replication', 'warning']]);
    expect(raised(signs({ awaySeconds: 30, state: 'lost' }))).toEqual([['replication', 'warning']]);
    const open = opened(judge(signs({ awaySeconds: 30 })).raise);
    expect(judge(signs({ awaySeconds: 5 }), open).resolve).toEqual([]);
    expect(judge(signs(), open).resolve).toEqual(['replication:db_1:ins_B']);
  });

  it.each(['unreserved', 'lost'] as const)('a slot that is %s is critical', (status) => {
    expect(raised(signs({ primary: slot({ status, keptBytes: null }) }))).toEqual([['slot', 'critical']]);
  });

  it('what gets worse is raised again as critical, and stays critical until it is over', () => {
    const filling = signs({ primary: { disk: { usedBytes: 90, freeBytes: 10, own: true } } });
    const full = signs({ primary: { disk: { usedBytes: 96, freeBytes: 4, own: true } } });
    expect(raised(filling)).toEqual([['disk', 'warning']]);
    expect(raised(full, opened(judge(filling).raise))).toEqual([['disk', 'critical']]);
    expect(raised(filling, opened(judge(full).raise))).toEqual([]);
  });

  it.each([
    [{ by: 'customer', user: 'shop', name: 'psql' }, 'a transaction has been open for 4000 s (process 42 of ins_A, of "shop" in "psql")'],
    [{ by: 'customer', user: 'shop', name: '' }, 'a transaction has been open for 4000 s (process 42 of ins_A, of "shop")'],
    [{ by: 'dump', user: 'freehold_dump', name: 'freehold-dump' }, 'the transaction of a dump has been open for 4000 s (process 42 of ins_A)'],
    [{ by: 'control', user: 'freehold', name: 'freehold-control' }, 'a transaction of the control plane\'s has been open for 4000 s (process 42 of ins_A, "freehold-control")'],
    [{ by: 'prepared', pid: null, user: 'shop', name: 'order 7' }, 'the prepared transaction "order 7" of "shop" on ins_A has been open for 4000 s'],
  ] as const)('a long transaction is raised, with who holds it: %j', (change, says) => {
    const database = signs({ primary: { oldestTransaction: { pid: 42, seconds: 4_000, ...change } } });
    expect(raised(database)).toEqual([['transaction', 'warning']]);
    expect(judge(database).raise[0]?.message).toContain(says);
    expect(judge(signs(), opened(judge(database).raise)).resolve).toEqual(['transaction:db_1']);
  });

  it.each(['slot', 'standby'] as const)('a %s that holds back vacuum is named', (by) => {
    const held = (transactions: number): DatabaseSigns => signs({ primary: { heldBack: { by, name: 'ins_b', transactions } } });
    expect(raised(held(999_999))).toEqual([]);
    const { raise } = judge(held(1_000_000));
    expect(raise).toMatchObject([{ kind: 'vacuum', severity: 'warning', message: `${by} ins_b on ins_A holds back vacuum: it needs what was deleted in the last 1000000 transactions` }]);
    expect(raised(held(24_000_000), opened(raise))).toEqual([['vacuum', 'critical']]);
    expect(judge(held(600_000), opened(raise)).resolve).toEqual([]);
    expect(judge(signs(), opened(raise)).resolve).toEqual(['vacuum:db_1']);
  });

  it('a disk that hosts share is raised once for the host, and closed by whichever database sees it well', () => {
    const disk = { usedBytes: 99, freeBytes: 1, own: false };
    const [alert] = judge(signs({ primary: { disk } })).raise;
    expect(alert).toMatchObject({ key: 'disk:hst_1', subjectId: 'hst_1', severity: 'critical' });
    expect(judge(signs({ primary: { disk: { ...disk, usedBytes: 10, freeBytes: 90 } } }), opened([alert!])).resolve).toEqual(['disk:hst_1']);
  });

  it('what cannot be inspected neither raises nor takes back', () => {
    const trouble = signs({ primary: { ...slot({ status: 'lost' }), wal: { bytes: 9, usualBytes: 1 }, disk: { usedBytes: 99, freeBytes: 1, own: true }, oldestTransaction: { by: 'customer', pid: 1, seconds: 9_999, user: 'shop', name: '' } }, awaySeconds: 60 });
    const open = opened(judge(trouble).raise);
    expect(open.length).toBe(5);
    expect(judge(signs({ primary: null, standby: null, awaySeconds: undefined }), open)).toEqual({ raise: [], resolve: [], suspected: [] });
  });

  it('what is not there any more, such as a standby that was replaced, is taken back; what is another database\'s is not', () => {
    const open: OpenAlert[] = [
      { key: 'lag:db_1:ins_OLD', severity: 'warning', action: 'none', subjectId: 'db_1' }, { key: 'lag:db_2:ins_C', severity: 'warning', action: 'none', subjectId: 'db_2' },
      { key: 'disk:hst_9', severity: 'warning', action: 'required', subjectId: 'hst_9' },
    ];
    expect(judge(signs(), open).resolve).toEqual(['lag:db_1:ins_OLD']);
  });
});

describe('an alert says whether somebody has to act', () => {
  const away = (change: Parameters<typeof signs>[0]) => judge(signs({ awaySeconds: 400, ...change })).raise[0];

  it('nobody while an operation is at it, somebody otherwise; and it says so when that changes', () => {
    expect(away({ underWay: 'reprotect' })).toMatchObject({ action: 'none', advice: expect.stringContaining('reprotect') as string });
    expect(away({ automationPaused: true })).toMatchObject({ action: 'required', advice: expect.stringContaining('resume') as string });
    const open = opened([away({})!]);
    expect(judge(signs({ awaySeconds: 400, underWay: 'reprotect' }), open).raise).toMatchObject([{ severity: 'critical', action: 'none' }]);
  });

  it.each([
    ['none', signs({ primary: lagging(64 * MIB, 0) })], ['required', signs({ primary: slot({ keptBytes: 800 * MIB }) })], ['none', signs({ primary: slot({ status: 'lost' }) })],
    ['required', signs({ standby: { disk: { usedBytes: 99, freeBytes: 1, own: true } } })],
  ])('%s, and what is to be done', (action, database) => {
    expect(judge(database).raise).toMatchObject([{ action, advice: expect.stringMatching(/.{20}/) as string }]);
  });

  it('a standby that is being brought back may lag', () => {
    expect(judge(signs({ primary: lagging(900 * MIB, 0), underWay: 'failover' })).raise).toEqual([]);
  });
});

describe('the lag that people see', () => {
  const lagOfStandby = (database: DatabaseSigns) => measureLags(database).find(({ id }) => id === 'ins_B');

  it('is what the primary sees of a standby that streams; a primary has none', () => {
    expect(measureLags(signs({ primary: lagging(5, 2) }))).toEqual([{ id: 'ins_A', lagBytes: null, lagSeconds: null }, { id: 'ins_B', lagBytes: 5, lagSeconds: 2 }]);
  });

  it('is what is kept for one that is away, for as long as it is', () => {
    expect(lagOfStandby(signs({ primary: { ...slot({ keptBytes: 7 }), standbys: [] }, awaySeconds: 12 }))).toEqual({ id: 'ins_B', lagBytes: 7, lagSeconds: 12 });
  });

  it('stays as it was when nobody can tell', () => {
    expect(lagOfStandby(signs({ primary: null, awaySeconds: undefined }))).toBeUndefined();
  });
});
