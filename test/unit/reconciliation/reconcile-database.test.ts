import { describe, expect, it } from 'vitest';
import type { FoundInstance } from '../../../src/engine/survey-port.js';
import { type FoundDatabase, reconcileDatabase, type RecordedDatabase } from '../../../src/reconciliation/reconcile-database.js';

const recorded: RecordedDatabase = {
  id: 'db_1', epoch: 3, timeline: 3, provisioned: true, planned: 2,
  members: [
    { id: 'a', hostId: 'host-a', role: 'primary', state: 'running', hostLost: false },
    { id: 'b', hostId: 'host-b', role: 'standby', state: 'running', hostLost: false },
  ],
};

const found = (id: string, facts: Partial<FoundInstance> = {}): FoundInstance => ({
  id, databaseId: 'db_1', hostId: `host-${id}`, account: 7, address: '127.9.1.1', port: 5_000, token: 10n, made: true, marked: false, role: 'standby', running: true, timeline: 3, ...facts,
});
const all = (instances: FoundInstance[], streaming: string[] = [], route?: FoundDatabase['route']): FoundDatabase => ({ instances, streaming, route });
const states = (decided: ReturnType<typeof reconcileDatabase>) => decided.members.map(({ id, role, state }) => `${id} ${role} ${state}`);

describe('the record of a database after the metadata was restored', () => {
  it('stays where it agrees with what is found, but for the token', () => {
    const decided = reconcileDatabase(recorded, all([found('a', { role: 'primary', token: 41n }), found('b', { token: 17n })], ['b']));
    expect(decided).toMatchObject({ finding: 'as-recorded', primary: 'a', epoch: 3, seenToken: 41n, forgotten: [] });
    expect(decided.pause).toBeUndefined();
    expect(states(decided)).toEqual(['a primary running', 'b standby running']);
  });

  it('counts the token of the route, and takes the password that the gateway goes by', () => {
    const route = { databaseId: 'db_1', region: 'europe', token: 99n, leads: { open: true, address: '127.9.1.1', port: 5_000, ownerVerifier: 'newer', allowList: ['192.0.2.0/24'] } };
    expect(reconcileDatabase(recorded, all([found('a', { role: 'primary' })], [], route))).toMatchObject({ seenToken: 99n, ownerVerifier: 'newer', allowList: ['192.0.2.0/24'] });
  });

  it('counts the token of an instance of which nothing else is left', () => {
    expect(reconcileDatabase(recorded, all([found('a', { role: 'primary' }), found('b', { made: false, running: false, token: 80n })])).seenToken).toBe(80n);
  });

  it('believes the one that runs as the primary, and counts its promotions by its timeline', () => {
    const decided = reconcileDatabase(recorded, all([found('a', { timeline: 5 }), found('b', { role: 'primary', timeline: 5 })], ['a']));
    expect(decided).toMatchObject({ finding: 'moved', primary: 'b', epoch: 5 });
    expect(states(decided)).toEqual(['a standby running', 'b primary running']);
    const back = reconcileDatabase(recorded, all([found('a', { role: 'primary', timeline: 5 }), found('b', { timeline: 5 })], ['b']));
    expect(back).toMatchObject({ finding: 'as-recorded', primary: 'a', epoch: 5 });
  });

  it('takes another primary for one promotion where no timeline is known', () => {
    const instances = [found('a', { timeline: 9 }), found('b', { role: 'primary', timeline: 9 })];
    expect(reconcileDatabase({ ...recorded, timeline: null }, all(instances)).epoch).toBe(4);
    expect(reconcileDatabase({ ...recorded, timeline: null }, all([found('a', { role: 'primary', timeline: 9 })])).epoch).toBe(3);
  });

  it('has a fenced primary as a standby that is brought back', () => {
    const decided = reconcileDatabase(recorded, all([found('a', { role: 'primary', marked: true, running: false }), found('b', { role: 'primary', timeline: 4 })]));
    expect(states(decided)).toEqual(['a standby fenced', 'b primary running']);
  });

  it('takes an instance that is down for the primary only if no other may be', () => {
    expect(reconcileDatabase(recorded, all([found('a', { role: 'primary', running: false }), found('b', { running: false })]))).toMatchObject({ finding: 'as-recorded', primary: 'a' });
    const older = reconcileDatabase(recorded, all([found('a', { role: 'primary', running: false }), found('b', { role: 'primary', timeline: 4 })]));
    expect(older).toMatchObject({ finding: 'moved', primary: 'b' });
    expect(states(older)).toEqual(['a standby rebuilding', 'b primary running']);
  });

  it.each([
    ['both run', [found('a', { role: 'primary' }), found('b', { role: 'primary', timeline: 4 })]],
    ['neither runs', [found('a', { role: 'primary', running: false }), found('b', { role: 'primary', running: false, timeline: 4 })]],
    ['the one that is down may have more', [found('a', { role: 'primary', running: false, timeline: 4 }), found('b', { role: 'primary', timeline: 4 })]],
  ])('is touched by nobody where two may be the primary: %s', (_, instances) => {
    const decided = reconcileDatabase(recorded, all(instances));
    expect(decided).toMatchObject({ finding: 'two-primaries', primary: null, members: [], forgotten: [], epoch: 3 });
    expect(decided.pause).toContain('a, b');
  });

  it('lets the fenced primary go on where nobody was promoted, whoever was recorded', () => {
    const decided = reconcileDatabase(recorded, all([found('a', { role: 'primary', marked: true, running: false }), found('b')]));
    expect(decided).toMatchObject({ finding: 'fenced', primary: 'a', epoch: 3 });
    expect(decided.pause).toBeUndefined();
    expect(states(decided)).toEqual(['a primary fenced', 'b standby running']);
    const moved = reconcileDatabase(recorded, all([found('a', { timeline: 4 }), found('b', { role: 'primary', marked: true, running: false, timeline: 4 })]));
    expect(moved).toMatchObject({ finding: 'fenced', primary: 'b', epoch: 4 });
  });

  it.each([
    ['two stand fenced', [found('a', { role: 'primary', marked: true, running: false }), found('b', { role: 'primary', marked: true, running: false })]],
    ['all are standbys', [found('a'), found('b')]],
  ])('leaves it to a person who is to be the primary where %s', (_, instances) => {
    const decided = reconcileDatabase(recorded, all(instances));
    expect(decided).toMatchObject({ finding: 'no-primary', primary: null });
    expect(decided.pause).toContain('--accept-data-loss');
  });

  it('says that nothing is left, and lets nothing be made of it', () => {
    expect(reconcileDatabase(recorded, all([]))).toMatchObject({ finding: 'no-files', members: [], pause: expect.stringContaining('deleted') as string });
    expect(reconcileDatabase({ ...recorded, provisioned: false }, all([])).pause).toBeUndefined();
  });

  it('takes in a standby that was made since, in the place of the one that is gone', () => {
    const decided = reconcileDatabase(recorded, all([found('a', { role: 'primary' }), found('c')], ['c']));
    expect(states(decided)).toEqual(['a primary running', 'c standby running']);
    expect(decided.forgotten).toEqual(['b']);
  });

  it('keeps the place of one that is gone while nobody has taken it, and of one whose host is lost', () => {
    expect(reconcileDatabase(recorded, all([found('a', { role: 'primary' })])).forgotten).toEqual([]);
    const members = recorded.members.map((member) => ({ ...member, hostLost: member.id === 'b' }));
    expect(reconcileDatabase({ ...recorded, members }, all([found('a', { role: 'primary' }), found('c')])).forgotten).toEqual([]);
  });

  it('does not take a standby that does not stream for whole unless it was recorded so', () => {
    const rebuilding = recorded.members.map((member) => (member.id === 'b' ? { ...member, state: 'rebuilding' } : member));
    expect(states(reconcileDatabase({ ...recorded, members: rebuilding }, all([found('a', { role: 'primary' }), found('b')])))).toContain('b standby rebuilding');
    expect(states(reconcileDatabase(recorded, all([found('a', { role: 'primary' }), found('b')])))).toContain('b standby running');
  });

  it('counts as provisioned once its endpoint leads to a primary', () => {
    const half = { ...recorded, provisioned: false };
    const route = { databaseId: 'db_1', region: 'europe', token: 1n, leads: { open: true, address: '127.9.1.1', port: 5_000, ownerVerifier: 'v', allowList: [] } };
    expect(reconcileDatabase(half, all([found('a', { role: 'primary' })], [], route)).provisioned).toBe(true);
    expect(reconcileDatabase(half, all([found('a', { role: 'primary' })])).provisioned).toBe(false);
  });
});
