import { describe, expect, it } from 'vitest';

import { judgeDownload } from '../../../../src/backups/dumps/judge-download.js';

const limits = { leastBytes: 1_048_576, totalMs: 43_200_000 };
const minute = { elapsedMs: 600_000, stretchMs: 60_000, blockedMs: 60_000, bytes: 1_048_576 };

describe('a download of a dump', () => {
  it('ends when its client hardly takes anything', () => {
    expect(judgeDownload({ ...minute, bytes: 60 }, limits)).toBe('its client took 60 bytes in 60 s');
    expect(judgeDownload({ ...minute, bytes: 60, blockedMs: 30_000 }, limits)).toBeDefined();
  });

  it('goes on at a mebibyte a minute, and while the dump itself is what is waited for', () => {
    expect(judgeDownload(minute, limits)).toBeUndefined();
    expect(judgeDownload({ ...minute, bytes: 0, blockedMs: 0 }, limits)).toBeUndefined();
    expect(judgeDownload({ ...minute, bytes: 60, blockedMs: 29_000 }, limits)).toBeUndefined();
  });

  it('ends after its time, however fast it is', () => {
    expect(judgeDownload({ ...minute, elapsedMs: 43_200_000 }, limits)).toBe('it was not done after 43200 s');
  });
});
