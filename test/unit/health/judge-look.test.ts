import { describe, expect, it } from 'vitest';
import type { Sight } from '../../../src/engine/ports.js';
import { NOT_LOOKED_AT, type Sighting, takeLook, whatIsKnown } from '../../../src/health/judge-look.js';

const SUSPECT = 3;
let clock = 0;
const look = (before: Sighting, sight: Sight, lateMs = 0, tookMs = 500): Sighting => takeLook(before, { glimpse: { sight }, lateMs, atMs: (clock += tookMs) }, SUSPECT);
const looks = (times: number, sight: Sight, lateMs = 0, from = NOT_LOOKED_AT): Sighting => Array.from({ length: times }).reduce<Sighting>((before) => look(before, sight, lateMs), from);
const known = (sighting: Sighting, agoMs = 0) => whatIsKnown(sighting, clock + agoMs, 1_500).sight;

describe('what a watcher knows of an instance', () => {
  it('is nothing before it has looked, and nothing any more when that was long ago', () => {
    expect(known(NOT_LOOKED_AT)).toBe('unknown');
    const sighting = look(NOT_LOOKED_AT, 'refused');
    expect(known(sighting, 1_500)).toBe('refused');
    expect(known(sighting, 1_501)).toBe('unknown');
  });

  it('is what was answered, however late the watcher was', () => {
    expect(known(look(NOT_LOOKED_AT, 'answers', 9_000))).toBe('answers');
    expect(known(look(NOT_LOOKED_AT, 'refused', 9_000))).toBe('refused');
  });

  it('is nothing when no answer came to a watcher that was late: that is no miss', () => {
    const sighting = looks(6, 'silent', 200, look(NOT_LOOKED_AT, 'answers'));
    expect(sighting).toMatchObject({ misses: 0, seen: 'answers' });
    expect(known(sighting)).toBe('unknown');
  });

  it('is silence after ten seconds of it, though the watcher is late all the time', () => {
    const sighting = looks(24, 'silent', 200, look(NOT_LOOKED_AT, 'answers'));
    expect(known(sighting)).toBe('silent');
    expect(sighting).toMatchObject({ seen: 'silent' });
  });

  it('for people it is lost only when the suspicion is there, and back with the first answer', () => {
    const before = look(NOT_LOOKED_AT, 'answers');
    expect(looks(2, 'silent', 0, before)).toMatchObject({ misses: 2, seen: 'answers' });
    const suspected = looks(3, 'silent', 0, before);
    expect(suspected).toMatchObject({ misses: 3, seen: 'silent' });
    expect(look(suspected, 'answers')).toMatchObject({ misses: 0, seen: 'answers', silentSinceMs: null });
  });
});
