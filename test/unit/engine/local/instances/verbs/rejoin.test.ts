import { describe, expect, it } from 'vitest';

import { chooseRebuild } from '../../../../../../src/engine/local/instances/verbs/choose-rebuild.js';
import { classifyFailure } from '../../../../../../src/engine/local/instances/watch/classify-failure.js';
import { endOfRecord, lsnToNumber, numberToLsn, parseControlData } from '../../../../../../src/engine/local/instances/files/control-data.js';
import { historyFile, lastCommonLsn, newestTimeline, parseHistory, walFileOf } from '../../../../../../src/engine/local/instances/files/timeline-history.js';

const MIB = 1024 * 1024;

describe('the choice between a rewind and a copy', () => {
  it.each([
    ['rewinds what is new', { canRewind: true, dataBytes: 22 * MIB, walBytes: 40 * MIB, freeBytes: 9_000 * MIB }, 'rewind'],
    ['copies what is small and busy', { canRewind: true, dataBytes: 60 * MIB, walBytes: 256 * MIB, freeBytes: 9_000 * MIB }, 'copy'],
    ['rewinds what is large', { canRewind: true, dataBytes: 4_000 * MIB, walBytes: 256 * MIB, freeBytes: 9_000 * MIB }, 'rewind'],
    ['rewinds where there is no room for a copy', { canRewind: true, dataBytes: 60 * MIB, walBytes: 256 * MIB, freeBytes: 100 * MIB }, 'rewind'],
    ['copies what cannot be rewound', { canRewind: false, dataBytes: 4_000 * MIB, walBytes: 0, freeBytes: 100 * MIB }, 'copy'],
  ] as const)('%s', (_, facts, way) => {
    expect(chooseRebuild(facts)).toBe(way);
  });
});

describe('a timeline\'s history', () => {
  const history = parseHistory('1\t0/1419908\tno recovery target specified\n\n2\t1/A0\tno recovery target specified\n');
  const path = { timeline: 3, history };

  it('is read from its file', () => {
    expect(history).toEqual([{ timeline: 1, lsn: '0/1419908' }, { timeline: 2, lsn: '1/A0' }]);
    expect(parseHistory('')).toEqual([]);
    expect(historyFile(26)).toBe('pg_wal/0000001A.history');
  });

  it('tells how far an instance may have gone', () => {
    expect(lastCommonLsn(path, 2)).toMatchObject({ lsn: '1/A0' });
    expect(lastCommonLsn(path, 3)).toBe('anywhere');
    expect(lastCommonLsn(path, 4)).toBeUndefined();
  });

  it('goes on where the newest segment is', () => {
    expect(newestTimeline(['000000010000000000000004', '0000000A0000000000000005', '0000000B.history', 'archive_status'])).toBe(10);
    expect(newestTimeline([])).toBe(0);
  });

  it('names the segment of a position', () => {
    expect(walFileOf(1, '0/1C00018', 4 * MIB)).toBe('000000010000000000000007');
    expect(walFileOf(26, '2/FFC00000', 4 * MIB)).toBe('0000001A00000002000003FF');
    expect(walFileOf(1, '1/0', 16 * MIB)).toBe('000000010000000100000000');
  });
});

describe('where a record ends', () => {
  const SEGMENT = 4 * MIB;

  it('is aligned', () => {
    expect(endOfRecord('0/1430318', 114, SEGMENT)).toBe('0/1430390');
  });

  it('is behind the next page\'s header where the record does not fit into its own', () => {
    expect(endOfRecord('0/1431FF0', 114, SEGMENT)).toBe(numberToLsn(lsnToNumber('0/1432000') + 24n + 104n));
    // A new segment begins with a longer header.
    expect(endOfRecord('0/13FFFF0', 114, SEGMENT)).toBe(numberToLsn(lsnToNumber('0/1400000') + 40n + 104n));
  });

  it('is the page\'s end where the record fills it', () => {
    expect(endOfRecord('0/1431F88', 114, SEGMENT)).toBe('0/1432000');
  });

  it('survives a carry into the upper half', () => {
    expect(numberToLsn(lsnToNumber('1/FFFFFFF8') + 8n)).toBe('2/0');
  });
});

describe('the control data', () => {
  it('is read from what the program prints', () => {
    const text = [
      'pg_control version number:            1300',
      'Database system identifier:           7444444444444444444',
      'Database cluster state:               shut down in recovery',
      'Latest checkpoint location:           0/1430318',
      "Latest checkpoint's TimeLineID:       2",
      "Latest checkpoint's PrevTimeLineID:   1",
      'Bytes per WAL segment:                4194304',
    ].join('\n');
    expect(parseControlData(text)).toEqual({
      systemIdentifier: '7444444444444444444', state: 'shut down in recovery', checkpointLsn: '0/1430318', timeline: 2, walSegmentBytes: 4_194_304,
    });
    expect(parseControlData('pg_controldata: error')).toBeUndefined();
  });
});

describe('what a failed connection tells', () => {
  it.each([
    [{ code: '57P03' }, 'restarting'],
    [{ code: '57P02' }, 'restarting'],
    [{ code: 'ECONNREFUSED' }, 'refused'],
    [{ code: 'EHOSTUNREACH' }, 'silent'],
    [{ message: 'timeout expired' }, 'silent'],
    [{ message: 'Connection terminated unexpectedly' }, 'reset'],
    [{ code: 'ECONNRESET' }, 'reset'],
    [{ code: 'EPIPE' }, 'reset'],
    [{ code: '53300' }, 'answers'],
  ])('%o is %s', (error, sight) => {
    expect(classifyFailure(error)).toBe(sight);
  });
});
