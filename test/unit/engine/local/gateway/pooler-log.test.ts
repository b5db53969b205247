import { describe, expect, it } from 'vitest';

import { findStrangers } from '../../../../../src/engine/local/gateway/pooler/pooler-log.js';

const line = (names: string, source: string, second = 1, words = 'pooler error: login rejected'): string =>
  `2026-11-29 20:25:0${second}.774 UTC [32492] WARNING C-0x56426bc7ca58: ${names}@${source}:38089 ${words}`;

describe('a pooler\'s log', () => {
  it('tells of clients that were refused for where they come from', () => {
    const log = [line('shop/shop', '127.0.0.8'), line('shop/shop', '[2001:db8::7]', 2), line('shop/other', '127.0.0.9', 3, 'pooler error: no such user'), ''].join('\n');
    expect(findStrangers(log)).toEqual({ count: 2, last: { at: '2026-11-29T20:25:02.774Z', source: '2001:db8::7' } });
  });

  it('leaves out what nobody may enter, and what a client made up', () => {
    const log = [
      line('freehold/shop', '127.0.0.8'), line('template1/shop', '127.0.0.8'), line('shop/freehold_pooler', '127.0.0.8'),
      // PgBouncer puts a tabulator behind a line break in a name.
      `x\n\t${line('shop/shop', '192.0.2.1')}`, `${line('shop/shop', '192.0.2.1')} more`,
    ].join('\n');
    expect(findStrangers(log)).toBeUndefined();
  });
});
