import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { chooseHosts, type HostLoad } from '../../../src/fleet/choose-hosts.js';

const host = fc.record({
  dataCenter: fc.integer({ min: 1, max: 4 }),
  storage: fc.integer({ min: 1, max: 8 }),
  state: fc.constantFrom('active' as const, 'active' as const, 'active' as const, 'draining' as const, 'lost' as const),
  memoryMb: fc.integer({ min: 100, max: 1_000 }),
  promisedMb: fc.integer({ min: 0, max: 1_000 }),
  diskFull: fc.constantFrom(false, false, true),
  isPlain: fc.constantFrom(false, false, false, true),
});

const hosts = fc.array(host, { maxLength: 8 }).map((many) => many.map((one, index): HostLoad => ({
  id: `hst_${index}`, address: `127.1.0.${index}`, dataCenterId: `dc_${one.dataCenter}`, storageId: `sto_${one.storage}`,
  state: one.state, memoryMb: one.memoryMb, promisedMb: one.promisedMb, diskFull: one.diskFull, isPlain: one.isPlain,
})));

const usable = (host: HostLoad, memoryMb: number): boolean => host.state === 'active' && host.promisedMb + memoryMb <= host.memoryMb && host.diskFull !== true
  && host.isPlain !== true;

/** Whether any way exists, by trying them all. */
function hasRoom(all: readonly HostLoad[], memoryMb: number, standbys: number): boolean {
  const free = all.filter((host) => usable(host, memoryMb));
  const extend = (primary: HostLoad, taken: HostLoad[]): boolean => taken.length === standbys + 1 || free.some((next) =>
    next.dataCenterId !== primary.dataCenterId
    && taken.every((other) => other.id !== next.id && other.storageId !== next.storageId)
    && extend(primary, [...taken, next]));
  return free.some((primary) => extend(primary, [primary]));
}

describe('chooseHosts', () => {
  it('keeps every promise of a placement, whatever the fleet looks like', () => {
    fc.assert(fc.property(hosts, fc.integer({ min: 50, max: 500 }), fc.integer({ min: 0, max: 2 }), (all, memoryMb, standbys) => {
      const placement = chooseHosts(all, memoryMb, standbys);
      if (!placement) return;
      const chosen = [placement.primary, ...placement.standbys];
      expect(chosen).toHaveLength(standbys + 1);
      expect(chosen.every((host) => usable(host, memoryMb))).toBe(true);
      expect(new Set(chosen.map(({ id }) => id)).size).toBe(chosen.length);
      expect(new Set(chosen.map(({ storageId }) => storageId)).size).toBe(chosen.length);
      expect(placement.standbys.every((standby) => standby.dataCenterId !== placement.primary.dataCenterId)).toBe(true);
    }));
  });

  it('takes the least loaded host that leaves room for the standby', () => {
    const load = (id: string, dataCenterId: string, promisedMb: number): HostLoad =>
      ({ id, dataCenterId, promisedMb, address: id, storageId: id, state: 'active', memoryMb: 1_000 });
    const placement = chooseHosts([load('a', 'x', 600), load('b', 'x', 200), load('c', 'y', 500), load('d', 'y', 400)], 100, 1);
    expect(placement?.primary.id).toBe('b');
    expect(placement?.standbys.map(({ id }) => id)).toEqual(['d']);
  });

  it('puts two standbys into two data centres when it can', () => {
    const load = (id: string, dataCenterId: string): HostLoad =>
      ({ id, dataCenterId, promisedMb: 0, address: id, storageId: id, state: 'active', memoryMb: 1_000 });
    const placement = chooseHosts([load('a', 'x'), load('b', 'y'), load('c', 'y'), load('d', 'z')], 100, 2);
    expect(new Set(placement?.standbys.map(({ dataCenterId }) => dataCenterId))).toEqual(new Set(['y', 'z']));
  });

  it('finds room whenever one standby has any', () => {
    fc.assert(fc.property(hosts, fc.integer({ min: 50, max: 500 }), (all, memoryMb) => {
      expect(chooseHosts(all, memoryMb, 1) !== undefined).toBe(hasRoom(all, memoryMb, 1));
    }));
  });
});
