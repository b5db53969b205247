import { describe, expect, it } from 'vitest';
import type { InstanceObservation } from '../../../src/engine/ports.js';
import { needsRecovery } from '../../../src/health/needs-recovery.js';

type Process = InstanceObservation['process'];
const of = (primary: Process, standby: Process, marked = false) =>
  [{ id: 'p', role: 'primary' as const, found: { process: primary, marked } }, { id: 's', role: 'standby' as const, found: { process: standby, marked: false } }];

describe('a database is started where it is', () => {
  it.each<[boolean, string, ReturnType<typeof of>, string[]]>([
    [true, 'after a reboot', of('stopped', 'stopped'), ['s']],
    [true, 'when nobody in sync is left', of('stopped', 'running'), []],
    [false, 'while its primary serves, whatever became of the standby', of('running', 'stopped'), ['s']],
    [false, 'when a standby in sync can take over', of('stopped', 'running'), ['s']],
    [false, 'when nobody knows yet what becomes of the standby', of('stopped', 'hung'), ['s']],
    [false, 'when nobody knows yet what becomes of the standby', of('stopped', 'starting'), ['s']],
    [false, 'when its primary is slow or hangs', of('hung', 'stopped'), ['s']],
    [false, 'when its primary starts', of('starting', 'stopped'), ['s']],
    [false, 'when its primary is fenced', of('stopped', 'stopped', true), ['s']],
  ])('%s: %s', (needed, _, members, inSync) => {
    expect(needsRecovery(members, inSync)).toBe(needed);
  });
});
