import { describe, expect, it } from 'vitest';
import type { HostLoad } from '../../src/fleet/choose-hosts.js';
import { type Household, placeMoves } from '../../src/relocation/place-moves.js';
import { planMoves } from '../../src/relocation/plan-moves.js';
import { reportMoves } from '../../src/relocation/report-moves.js';

const host = (id: string, promisedMb = 0): HostLoad => ({
  id, address: '', dataCenterId: id.slice(0, 1), storageId: `s-${id}`, state: 'active', memoryMb: 1_000, promisedMb,
});
const HOSTS = new Map([['europe', [host('a1', 400), host('a2', 100), host('b1', 400), host('b2', 200)]]]);
const household = (...members: [string, string, 'primary' | 'standby'][]): Household => ({
  regionId: 'europe', memoryMb: 400, members: members.map(([instanceId, hostId, role]) => ({ instanceId, hostId, role })),
});
const occupant = (databaseId: string, instanceId: string, hostId: string, role: 'primary' | 'standby') =>
  ({ databaseId, customerId: 'cus_1', instanceId, hostId, role, state: 'running', change: null, inSync: true });

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

describe('reportMoves', () => {
  it('counts what was done, adds up the time of each database, and says what failed', () => {
    const at = (seconds: number): Date => new Date(seconds * 1000);
    const operation = (databaseId: string, kind: string, state: string, from: number, to: number, reason: string | null = null) =>
      ({ databaseId, kind, state, startedAt: at(from), finishedAt: at(to), reason });
    expect(reportMoves([
      operation('db_1', 'switchover', 'succeeded', 0, 2), operation('db_1', 'relocate', 'succeeded', 2, 5), operation('db_2', 'relocate', 'failed', 0, 9, 'no room'),
    ])).toEqual({
      done: { switchover: 1, relocate: 1 }, failed: [{ databaseId: 'db_2', kind: 'relocate', reason: 'no room' }],
      databases: [{ databaseId: 'db_2', seconds: 9 }, { databaseId: 'db_1', seconds: 5 }],
    });
  });
});
