import { describe, expect, it } from 'vitest';

import { parseListeners, portsTakenAt } from '../../../../../src/engine/local/fleet/listeners.js';
import { parseRefusals } from '../../../../../src/engine/local/gateway/router/router-client.js';
import { connectionsWithin, portRanges, routerConfiguration, type RouterSettings } from '../../../../../src/engine/local/gateway/router/router-config.js';
import { entryValue, renderMap, type RouterEntry } from '../../../../../src/engine/local/gateway/router/router-entry.js';

const settings: RouterSettings = {
  listenAddresses: ['127.9.1.1'], sourceAddress: '127.9.1.1', firstPort: 20_000, slots: 100, busyPorts: new Set(), maxConnections: 5_000,
  mapPath: '/r/routes.map', scriptPath: '/r/router.lua', socketPath: '/run/1/router',
};
const shop: RouterEntry = {
  port: 20_000, databaseId: 'db_1', token: 7n, state: 'open', targets: [{ address: '127.9.1.11', port: 15_432 }], mostConnections: 100, allow: null,
};

describe('the configuration of a router', () => {
  const text = routerConfiguration(settings);
  const lines = text.split('\n').map((line) => line.trim());

  it('has a port and a server slot for both endpoints of each database, and connects from the gateway\'s address', () => {
    expect(lines).toContain('bind 127.9.1.1:20000-20199 tcp-ut 40s');
    expect(lines).toContain('server-template s 200 0.0.0.0:0 source 127.9.1.1 tcp-ut 40s');
  });

  it('leaves out ports that others hold', () => {
    expect(portRanges(20_000, 3, new Set([20_000, 20_003, 9]))).toEqual(['20001-20002', '20004-20005']);
    expect(portRanges(20_000, 1, new Set([20_000, 20_001]))).toEqual([]);
  });

  it('listens on all addresses, of both kinds, with a public host', () => {
    const open = routerConfiguration({ ...settings, listenAddresses: ['0.0.0.0', '::'] });
    expect(open).toContain('  bind 0.0.0.0:20000-20199 tcp-ut 40s\n');
    expect(open).toContain('  bind [::]:20000-20199 v6only tcp-ut 40s\n');
  });

  it('ends what does not acknowledge within 45 s, and nothing that is merely idle', () => {
    expect(text.match(/tcp-ut 40s/g)).toHaveLength(2);
    for (const side of ['cli', 'srv']) {
      for (const line of [`option ${side}tcpka`, `${side}tcpka-idle 30s`, `${side}tcpka-intvl 10s`, `${side}tcpka-cnt 3`]) expect(lines).toContain(line);
    }
    expect(text).not.toMatch(/timeout (client|server|tunnel) /);
  });

  it('has one thread, tries no server twice, and shares its ports with nobody', () => {
    for (const line of ['nbthread 1', 'retries 0', 'noreuseport', 'stats socket /run/1/router mode 600 level admin']) expect(lines).toContain(line);
  });

  it('asks who may come before how many, and before what they say', () => {
    const order = ['track-sc1 src', 'lua.admit', 'track-sc0', 'str(first-bytes)', 'use-server'].map((words) => text.indexOf(words));
    expect(order).toEqual([...order].sort((a, b) => a - b));
    expect(Math.min(...order)).toBeGreaterThan(0);
  });

  it('takes as many clients as open files allow', () => {
    expect(connectionsWithin(20_000, settings)).toBe(9_800);
    expect(connectionsWithin(20_000, { listenAddresses: ['0.0.0.0', '::'], slots: 1_000 })).toBe(7_900);
    expect(connectionsWithin(1_048_576, settings)).toBe(20_000);
    expect(() => connectionsWithin(1_024, { ...settings, slots: 1_000 })).toThrow(/needs 2400 open files, and may have 1024/);
  });
});

describe('the map of a router', () => {
  it('has a line per port, and one per database with the highest token', () => {
    const held: RouterEntry = { ...shop, port: 20_100, token: 9n, state: 'held', targets: [], allow: ['192.0.2.0/24', '2001:db8::/32'] };
    expect(renderMap([shop, held], [{ databaseId: 'db_2', token: 4n }, { databaseId: 'db_1', token: 8n }])).toBe(
      [
        '20000 db_1|open|100|80|1000|800|127.9.1.11@15432|any',
        '20100 db_1|held|100|80|1000|800|-|192.0.2.0/24,2001:db8::/32',
        '=db_1 9',
        '=db_2 4',
        '',
      ].join('\n'),
    );
  });

  it('leaves one connection to a source where there are few, and lets a large database come back at once', () => {
    expect(entryValue({ ...shop, mostConnections: 1 })).toBe('db_1|open|1|1|1000|800|127.9.1.11@15432|any');
    expect(entryValue({ ...shop, mostConnections: 600, allow: [] })).toBe('db_1|open|600|480|2400|1920|127.9.1.11@15432|none');
  });

  it.each<[string, Partial<RouterEntry>]>([
    ['an id', { databaseId: 'db 1' }],
    ['a separator', { databaseId: 'db|1' }],
    ['a port', { port: 70_000 }],
    ['a token', { token: 2n ** 63n }],
    ['a number of connections', { mostConnections: 0 }],
    ['an open route to nowhere', { targets: [] }],
    ['a target', { targets: [{ address: 'localhost', port: 1 }] }],
    ['a network', { allow: ['10.0.0.0/33'] }],
    ['a line break', { allow: ['10.0.0.0/8\n20001 db_2|open'] }],
    ['what is too long', { allow: Array.from({ length: 1_000 }, () => '192.0.2.0/24') }],
  ])('refuses %s that the router could misread', (_, fault) => {
    expect(() => renderMap([{ ...shop, ...fault }], [])).toThrow(expect.objectContaining({ kind: 'permanent' }));
  });
});

describe('ports that others hold', () => {
  const tcp = [
    '  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode',
    '   0: 0101097F:4E20 00000000:0000 0A 00000000:00000000 00:00000000 00000000     0        0 1 1',
    '   1: 0201097F:4E21 00000000:0000 0A 00000000:00000000 00:00000000 00000000     0        0 1 1',
    '   2: 00000000:4E22 00000000:0000 0A 00000000:00000000 00:00000000 00000000     0        0 1 1',
    '   3: 0101097F:4E23 0101097F:9999 01 00000000:00000000 00:00000000 00000000     0        0 1 1',
  ].join('\n');
  const tcp6 = [
    '   0: 00000000000000000000000000000000:4E24 00000000000000000000000000000000:0000 0A 0 0 0 0 0',
    '   1: 00000000000000000000000001000000:4E25 00000000000000000000000000000000:0000 0A 0 0 0 0 0',
  ].join('\n');

  const busy = (...addresses: string[]): number[] => [...portsTakenAt([tcp, tcp6].flatMap(parseListeners), addresses)];

  it('are those at its own address or at all of them', () => {
    expect(busy('127.9.1.1')).toEqual([20_000, 20_002, 20_004]);
    expect(busy('0.0.0.0')).toEqual([20_000, 20_001, 20_002, 20_004]);
    expect(busy('::')).toEqual([20_004, 20_005]);
    expect(busy('::1')).toEqual([20_004, 20_005]);
    expect(busy('0.0.0.0', '::')).toEqual([20_000, 20_001, 20_002, 20_004, 20_005]);
  });
});

describe('refusals', () => {
  it('are read by port and reason', () => {
    const table = [
      '# table: refusals, type: integer, size:4000, used:2',
      '0x55b0: key=20000 use=0 exp=1727 gpc0=8 gpc1=0 gpc2=0 gpc3=0 gpc4=0 gpc5=5 gpc6=3 gpc0_rate(10000)=8 gpc1_rate(10000)=0',
      '0x55b1: key=20001 use=0 exp=1727 gpc0=0 gpc1=0 gpc2=0 gpc3=0 gpc4=0 gpc5=0 gpc6=0 gpc0_rate(10000)=3',
    ].join('\n');
    expect(parseRefusals(table)).toEqual([{ port: 20_000, counts: { 'first-bytes': 5, 'held-too-long': 3 } }]);
  });
});
