import { describe, expect, it } from 'vitest';

import { chooseSlot } from '../../../src/databases/choose-slot.js';
import { endpointNameOf } from '../../../src/databases/endpoint-names.js';
import { addressBytes } from '../../../src/engine/local/fleet/address-bytes.js';
import { chooseFirstPorts } from '../../../src/engine/local/fleet/gateway-ports.js';
import { EVERYWHERE, parseListeners, portsTakenAt } from '../../../src/engine/local/fleet/listeners.js';

describe('what a database is called in PostgreSQL', () => {
  it('is its own name, with _ for -', () => {
    expect(endpointNameOf('shop')).toBe('shop');
    expect(endpointNameOf('web-shop-2')).toBe('web_shop_2');
    expect(endpointNameOf('pgadmin')).toBe('pgadmin');
    expect(endpointNameOf('freeholder')).toBe('freeholder');
  });

  it('is another one where PostgreSQL or Freehold needs it', () => {
    for (const name of ['postgres', 'template1', 'freehold', 'public', 'all', 'replication', 'current-user']) expect(endpointNameOf(name)).toBe(`db_${name.replaceAll('-', '_')}`);
    expect(endpointNameOf('pg-things')).toBe('db_pg_things');
    expect(endpointNameOf('freehold-dump')).toBe('db_freehold_dump');
  });
});

describe('the number of a new endpoint', () => {
  it('is one that nobody had for as long as there are such, then the lowest that is free', () => {
    expect(chooseSlot(4, new Set(), -1)).toBe(0);
    expect(chooseSlot(4, new Set([1]), 1)).toBe(2);
    expect(chooseSlot(4, new Set([0, 2]), 3)).toBe(1);
    expect(chooseSlot(4, new Set([0, 1, 2, 3]), 3)).toBeUndefined();
    // The fleet was given fewer than it had.
    expect(chooseSlot(2, new Set([5]), 5)).toBe(0);
  });
});

const TCP = `  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode
   0: 0100007F:1F90 00000000:0000 0A 00000000:00000000 00:00000000 00000000     0        0 1 1 0 100 0 0 10 0
   1: 0100007F:1F91 0100007F:9C40 01 00000000:00000000 00:00000000 00000000     0        0 2 1 0 100 0 0 10 0
   2: 00000000:2710 00000000:0000 0A 00000000:00000000 00:00000000 00000000     0        0 3 1 0 100 0 0 10 0
`;
const TCP6 = `  sl  local_address                         remote_address                        st
   0: 00000000000000000000000000000000:2711 00000000000000000000000000000000:0000 0A
   1: 0000000000000000FFFF00000100007F:2712 00000000000000000000000000000000:0000 0A
   2: 00000000000000000000000001000000:2713 00000000000000000000000000000000:0000 0A
`;

describe('the ports of a fleet\'s gateways', () => {
  it('are told from the kernel\'s list of who listens', () => {
    const listeners = [TCP, TCP6].flatMap(parseListeners);
    expect(listeners).toEqual([
      { bytes: [127, 0, 0, 1], port: 8_080 }, { bytes: [0, 0, 0, 0], port: 10_000 }, { bytes: addressBytes('::'), port: 10_001 }, { bytes: [127, 0, 0, 1], port: 10_002 },
      { bytes: addressBytes('::1'), port: 10_003 },
    ]);
    expect([...portsTakenAt(listeners, ['127.7.1.1'])]).toEqual([10_000, 10_001]);
    expect([...portsTakenAt(listeners, ['127.0.0.1'])]).toEqual([8_080, 10_000, 10_001, 10_002]);
    expect(portsTakenAt(listeners, EVERYWHERE).size).toBe(5);
  });

  it('are found whichever way an address is written', () => {
    expect(addressBytes('192.0.2.7')).toEqual([192, 0, 2, 7]);
    expect(addressBytes('2001:db8::7')).toEqual([0x20, 0x01, 0x0d, 0xb8, ...Array.from({ length: 11 }, () => 0), 7]);
    expect(addressBytes('::ffff:192.0.2.7').slice(-6)).toEqual([0xff, 0xff, 192, 0, 2, 7]);
  });

  it('do not overlap, and lie where nobody listens if there is such a place', () => {
    const taken = new Set([10_500, 13_500, 13_501, 20_000]);
    for (let draw = 0; draw < 50; draw += 1) {
      const firsts = chooseFirstPorts(5, 300, taken);
      const ports = firsts.flatMap((first) => Array.from({ length: 900 }, (_, at) => first + at));
      expect(new Set(ports).size).toBe(5 * 900);
      expect(ports.filter((port) => taken.has(port))).toEqual([]);
      expect(Math.min(...ports)).toBeGreaterThanOrEqual(10_000);
      expect(Math.max(...ports)).toBeLessThan(26_000);
    }
  });

  it('are refused where they do not fit', () => {
    expect(chooseFirstPorts(5, 1_000, new Set([12_345])).length).toBe(5);
    expect(() => chooseFirstPorts(5, 1_100, new Set())).toThrow('do not fit');
    const crowded = new Set(Array.from({ length: 2_000 }, (_, at) => 10_000 + at * 8));
    expect(() => chooseFirstPorts(5, 1_000, crowded)).toThrow('do not fit');
  });
});
