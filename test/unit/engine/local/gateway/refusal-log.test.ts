import { describe, expect, it } from 'vitest';

import { findLastRefusals } from '../../../../../src/engine/local/gateway/router/refusal-log.js';

describe('the router\'s log', () => {
  it('tells whom it refused last at the ports of a database, for each reason', () => {
    const log = [
      'ber 2026 cut short source-limit database=db_A port=1 source=192.0.2.1 state=PR',
      '2026-11-29T10:00:00Z source-limit database=db_A port=10001 source=192.0.2.1 state=PR',
      '2026-11-29T10:00:01Z source-limit database=db_A port=10001 source=2001:db8::1 state=PR',
      '2026-11-29T10:00:02Z source-limit database=db_B port=10002 source=192.0.2.3 state=PR',
      '2026-11-29T10:00:03Z first-bytes database=db_A port=10001 source=192.0.2.4 state=PR',
      '[NOTICE]   (4711) : New worker (4712) forked',
    ].join('\n');
    expect(Object.fromEntries(findLastRefusals(log, 'db_A'))).toEqual({
      'source-limit': { at: '2026-11-29T10:00:01Z', source: '2001:db8::1' }, 'first-bytes': { at: '2026-11-29T10:00:03Z', source: '192.0.2.4' },
    });
    expect(findLastRefusals(log, 'db_C').size).toBe(0);
  });
});
