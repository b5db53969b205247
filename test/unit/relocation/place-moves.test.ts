import { describe, expect, it } from 'vitest';
import type { HostLoad } from '../../../src/fleet/choose-hosts.js';
import { type Household, placeMoves } from '../../../src/relocation/place-moves.js';
import { chooseMoves, planMoves, type PossibleMove, restUntil } from '../../../src/relocation/plan-moves.js';
import { reportMoves } from '../../../src/relocation/report-moves.js';
import { OPERATION_REGISTRY } from '../../support/operation-tables.js';

const host = (id: string, promisedMb = 0): HostLoad => ({
  id, address: '', dataCenterId: id.slice(0, 1), storageId: `s-${id}`, state: 'active', memoryMb: 1_000, promisedMb,
});
const HOSTS = new Map([['europe', [host('a1', 400), host('a2', 100), host('b1', 400), host('b2', 200)]]]);
const household = (...members: [string, string, 'primary' | 'standby'][]): Household => ({
  regionId: 'europe', memoryMb: 400, members: members.map(([instanceId, hostId, role]) => ({ instanceId, hostId, role })),
});
const occupant = (databaseId: string, instanceId: string, hostId: string, role: 'primary' | 'standby') =>
  ({ databaseId, customerId: 'cus_1', instanceId, hostId, role, state: 'running', change: null, waitsFor: null, primaryLeaves: role === 'primary', survivors: 1, survivorsInSync: 1 });

describe('placeMoves', () => {
  it('sends a primary, as the standby that it becomes, to another data centre than the new primary', () => {
    const moves = planMoves([occupant('db_1', 'i1', 'a1', 'primary')], false);
    expect(placeMoves(moves, new Map([['db_1', household(['i1', 'a1', 'primary'], ['i2', 'b1', 'standby'])]]), HOSTS)).toMatchObject([{ instanceId: 'i1', by: 'switchover', to: 'a2' }]);
  });

  it('counts what earlier moves take up, and says where there is no room', () => {
    const moves = planMoves(['db_1', 'db_2', 'db_3'].map((id) => occupant(id, `${id}-i1`, 'a1', 'standby')), false);
    const households = new Map(['db_1', 'db_2', 'db_3'].map((id) => [id, household([`${id}-i1`, 'a1', 'standby'], [`${id}-i2`, 'b1', 'primary'])]));
    expect(placeMoves(moves, households, HOSTS).map(({ to }) => to)).toEqual(['a2', 'a2', null]);
  });

  it('sends nothing to a host that is to be emptied too', () => {
    const moves = planMoves([occupant('db_1', 'i1', 'a1', 'standby'), occupant('db_2', 'i3', 'a2', 'standby')], false);
    const households = new Map([['db_1', household(['i2', 'b1', 'primary'], ['i1', 'a1', 'standby'])], ['db_2', household(['i4', 'b1', 'primary'], ['i3', 'a2', 'standby'])]]);
    expect(placeMoves(moves, households, HOSTS).map(({ to }) => to)).toEqual([null, null]);
  });
});

describe('planMoves', () => {
  const primary = occupant('db_1', 'i1', 'a1', 'primary');
  const ways = (...occupants: Parameters<typeof planMoves>[0]) => planMoves(occupants, true).map(({ by, mayLose }) => `${by}, may lose ${mayLose}`);

  it('fails over from a lost host what is in sync elsewhere, and restores only what is nowhere else', () => {
    expect(ways(primary)).toEqual(['failover, may lose nothing']);
    expect(ways({ ...primary, survivorsInSync: 0 })).toEqual(['failover, may lose not-received']);
    expect(ways({ ...primary, survivors: 0, survivorsInSync: 0 }, { ...occupant('db_1', 'i2', 'a2', 'standby'), primaryLeaves: true, survivors: 0, survivorsInSync: 0 }))
      .toEqual(['restore, may lose not-archived', 'restore, may lose not-archived']);
    expect(ways(occupant('db_1', 'i2', 'a2', 'standby'))).toEqual(['relocate, may lose nothing']);
  });

  it('places what is restored on any host that has room, and its standby in another data centre', () => {
    const lost = { survivors: 0, survivorsInSync: 0, primaryLeaves: true };
    const moves = planMoves([{ ...primary, ...lost }, { ...occupant('db_1', 'i2', 'a2', 'standby'), ...lost }], true);
    const household1 = household(['i1', 'a1', 'primary'], ['i2', 'a2', 'standby']);
    expect(placeMoves(moves, new Map([['db_1', household1]]), HOSTS).map(({ to }) => to)).toEqual(['b2', null]);
    const third = new Map([['europe', [...HOSTS.get('europe')!, host('c1')]]]);
    expect(placeMoves(moves, new Map([['db_1', household1]]), third).map(({ to }) => to)).toEqual(['c1', 'b2']);
  });
});

const move = (databaseId: string, by: PossibleMove['by'], more: Partial<PossibleMove> = {}): PossibleMove =>
  ({ databaseId, instanceId: `${databaseId}-i`, hostId: 'a1', role: by === 'relocate' ? 'standby' : 'primary', by, mayLose: 'nothing', to: 'b1', change: null, waitsFor: null, restsUntil: null, ...more });
const chosen = (moves: readonly PossibleMove[], acceptDataLoss = false) => chooseMoves(moves, { acceptDataLoss, atOnce: 2, now: new Date(1_000) }).map(({ databaseId }) => databaseId);

describe('chooseMoves', () => {
  it('holds no failover back, and restores before it makes redundant', () => {
    expect(chosen([move('db_1', 'relocate'), move('db_2', 'failover'), move('db_3', 'failover'), move('db_4', 'failover')])).toEqual(['db_2', 'db_3', 'db_4']);
    expect(chosen([move('db_1', 'relocate'), move('db_2', 'restore'), move('db_3', 'restore')])).toEqual(['db_2', 'db_3']);
  });

  it('leaves out what has no room, what is being changed, and what may lose something until that is accepted', () => {
    const others = [move('db_2', 'relocate', { change: {} }), move('db_3', 'relocate')];
    expect(chosen([move('db_1', 'relocate', { to: null }), ...others])).toEqual(['db_3']);
    const risky = move('db_1', 'failover', { mayLose: 'not-received' });
    expect(chosen([risky])).toEqual([]);
    expect(chosen([risky], true)).toEqual(['db_1']);
  });

  it('ends by a restore what waits in vain for instances that are lost, and restores a primary alone if need be', () => {
    const failover = { change: { purpose: 'failover' } } as const;
    expect(chosen([move('db_1', 'restore', failover), move('db_2', 'relocate', failover)])).toEqual(['db_1']);
    const alone = move('db_1', 'restore', { change: {}, role: 'standby', to: null });
    expect(chosen([alone, move('db_2', 'restore', { change: { purpose: 'restore' } })])).toEqual(['db_1']);
  });
});

describe('moves of a database whose customer has transactions open', () => {
  const waiting = move('db_1', 'switchover', { change: {}, waitsFor: 'a transaction of shop' });

  it('wait without keeping others from moving', () => {
    expect(chosen([waiting, { ...waiting, databaseId: 'db_2' }, move('db_3', 'switchover'), move('db_4', 'relocate')])).toEqual(['db_3', 'db_4']);
    const working = { ...waiting, waitsFor: null };
    expect(chosen([working, { ...working, databaseId: 'db_2' }, move('db_3', 'switchover')])).toEqual([]);
  });

  it('are asked for again less and less often after they have failed, but failovers at once', () => {
    const rests = { restsUntil: new Date(1_001) };
    expect(chosen([move('db_1', 'switchover', rests), move('db_2', 'relocate', { restsUntil: new Date(999) }), move('db_3', 'failover', rests)])).toEqual(['db_3', 'db_2']);
    expect([1, 2, 3, 40].map((count) => restUntil({ count, lastAt: new Date(0) }).getTime())).toEqual([5_000, 10_000, 20_000, 300_000]);
  });
});

describe('reportMoves', () => {
  const at = (seconds: number): Date => new Date(seconds * 1000);
  const purposeOf = (kind: string) => OPERATION_REGISTRY.purposeOf(kind);

  it('counts what was done, adds up the time of each database, and says what failed', () => {
    const operation = (databaseId: string, kind: string, state: string, from: number, to: number, reason: string | null = null) =>
      ({
        databaseId, kind, purpose: purposeOf(kind), state, createdAt: at(from), startedAt: at(from), finishedAt: at(to), reason,
        routedAt: null, acceptDataLoss: false, lastCommitAt: null,
      });
    expect(reportMoves([
      operation('db_1', 'switchover', 'succeeded', 0, 2), operation('db_1', 'relocate', 'succeeded', 2, 5), operation('db_2', 'relocate', 'failed', 0, 9, 'no room'),
    ], at(0))).toEqual({
      done: { switchover: 1, relocate: 1 }, failed: [{ databaseId: 'db_2', kind: 'relocate', reason: 'no room' }],
      databases: [{ databaseId: 'db_2', seconds: 9 }, { databaseId: 'db_1', seconds: 5 }], recoveries: [],
    });
  });

  it('tells what each database was down for and what it may have lost', () => {
    const recovered = (databaseId: string, kind: string, createdAt: number, routedAt: number, more = {}) => ({
      databaseId, kind, purpose: purposeOf(kind), state: 'succeeded',
      createdAt: at(createdAt), startedAt: at(createdAt), finishedAt: at(routedAt + 1), reason: null, routedAt: at(routedAt),
      acceptDataLoss: false, lastCommitAt: null, ...more,
    });
    expect(reportMoves([
      recovered('db_1', 'failover', 95, 96), recovered('db_2', 'restore-in-place', 101, 120, { lastCommitAt: at(90) }), recovered('db_3', 'failover', 100, 103, { acceptDataLoss: true }),
    ], at(100)).recoveries).toEqual([
      { databaseId: 'db_2', by: 'restore-in-place', rtoSeconds: 20, rpoSecondsAtMost: 10 },
      { databaseId: 'db_3', by: 'failover', rtoSeconds: 3, rpoSecondsAtMost: null },
      { databaseId: 'db_1', by: 'failover', rtoSeconds: 1, rpoSecondsAtMost: 0 },
    ]);
  });
});
