import fc from 'fast-check';
import ipaddr from 'ipaddr.js';
import { describe, expect, it } from 'vitest';

import { admits, admitsEverybody, EVERYWHERE, readNetwork } from '../../../src/engine/allow-list.js';

describe('a network as it is written', () => {
  it.each([
    ['192.0.2.0/24', '192.0.2.0/24'], ['192.0.2.7', '192.0.2.7/32'], ['0.0.0.0/0', '0.0.0.0/0'], ['10.128.0.0/9', '10.128.0.0/9'],
    ['2001:DB8::/32', '2001:db8::/32'], ['2001:db8:0:0:0:0:0:1', '2001:db8::1/128'], ['::/0', '::/0'], ['::1', '::1/128'],
    ['::ffff:192.0.2.7', '192.0.2.7/32'], ['::ffff:10.0.0.0/104', '10.0.0.0/8'], ['::ffff:0:0/96', '0.0.0.0/0'],
  ])('%s is %s', (text, network) => {
    expect(readNetwork(text)).toEqual({ network });
  });

  it.each([
    ['192.0.2.7/24', /write 192\.0\.2\.0\/24 for the network, or 192\.0\.2\.7 for the one address/],
    ['2001:db8::1/32', /write 2001:db8::\/32/], ['::ffff:10.0.0.1/104', /write 10\.0\.0\.0\/8/], ['10.0.0.0/33', /0 to 32/], ['::/129', /0 to 128/], ['10.0.0.0/08', /0 to 32/],
    ['10.0.0.0/', /0 to 32/], ['10.0.0.0/-1', /0 to 32/], ['10.0.0.0/8/8', /not a network/], ['010.0.0.0/8', /not a network/], ['0x7f.0.0.1', /not a network/], ['127.1', /not a network/],
    ['2130706433', /not a network/], ['fe80::1%eth0', /not a network/], ['::192.0.2.7', /not a network/], ['2001:db8::192.0.2.7', /not a network/], ['localhost', /not a network/], ['', /not a network/], [' 10.0.0.0/8', /not a network/], ['10.0.0.0/8,::/0', /not a network/],
  ])('%j is refused, with what to do', (text, words) => {
    expect(readNetwork(text)).toEqual({ fault: expect.stringMatching(words) as string });
  });

  it('holds the address that it was made of, and says the same when it is read again', () => {
    fc.assert(fc.property(fc.oneof(fc.ipV4(), fc.ipV6().filter((address) => !address.includes('.'))), fc.nat(128), (address, given) => {
      const bits = ipaddr.parse(address).kind() === 'ipv4' ? given % 33 : given;
      const first = readNetwork(`${address}/${bits}`);
      const network = 'network' in first ? first.network : /write (\S+) for/.exec(first.fault)?.[1] ?? '';
      expect(readNetwork(network)).toEqual({ network });
      expect(admits([network], address)).toBe(true);
    }));
  });
});

describe('an allow-list', () => {
  it('lets in who comes from one of its networks', () => {
    const networks = ['192.0.2.0/24', '2001:db8::/32'];
    const seen = ['192.0.2.255', '::ffff:192.0.2.1', '2001:db8:1::9', '192.0.3.0', '2001:db9::', '::1', 'nonsense', ''].map((source) => admits(networks, source));
    expect(seen).toEqual([true, true, true, false, false, false, false, false]);
  });

  it('lets everybody in only if it says so of both kinds of addresses', () => {
    expect([EVERYWHERE, ['0.0.0.0/0'], ['::/0'], []].map(admitsEverybody)).toEqual([true, false, false, false]);
    // A client of IPv4 that comes as an IPv6 one is one of IPv4.
    expect([admits(['::/0'], '::ffff:192.0.2.1'), admits(['0.0.0.0/0'], '::ffff:192.0.2.1'), admits(['0.0.0.0/0'], '::1')]).toEqual([false, true, false]);
  });

  it('lets nobody in if it is empty', () => {
    expect(['127.0.0.1', '::1'].map((source) => admits([], source))).toEqual([false, false]);
  });
});
