import { appendFileSync, closeSync, existsSync, mkdtempSync, openSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { type Operation, type OperationStep, ProblemError } from '../../../clients/typescript/src/client.js';
import { readEvents } from '../../../clients/typescript/src/read-events.js';
import { describeError } from '../../../src/cli/cli-error.js';
import { describeEnd, StepPrinter } from '../../../src/cli/client/show-steps.js';
import { chooseRestartDelayMs } from '../../../src/supervisor/choose-restart-delay.js';
import { ballastBytes, decideBallast, isToBeSpared } from '../../../src/supervisor/decide-ballast.js';
import { LogFile } from '../../../src/supervisor/log-file.js';
import { isAlive, nameProcess } from '../../../src/engine/local/machine/processes.js';
import { formatTable } from '../../../src/cli/output.js';
import { openLog, standardOutput } from '../../../src/telemetry/log.js';

describe('restarts', () => {
  it('are quick at first and then further and further apart, up to five seconds', () => {
    expect([1, 2, 3, 4, 5, 6, 7, 50].map(chooseRestartDelayMs)).toEqual([100, 200, 400, 800, 1_600, 3_200, 5_000, 5_000]);
  });
});

describe('server-sent events', () => {
  const read = async (...chunks: string[]) => {
    const stream = ReadableStream.from(chunks.map((chunk) => new TextEncoder().encode(chunk))) as ReadableStream<Uint8Array>;
    const events = [];
    for await (const event of readEvents(stream)) events.push(event);
    return events;
  };

  it('are read however they are cut', async () => {
    const text = 'id: 1\nevent: step\ndata: {"a":\ndata: 1}\n\n: alive\n\nevent: end\r\ndata:\r\n\r\n';
    const expected = [{ id: '1', event: 'step', data: '{"a":\n1}' }, { id: '1', event: 'end', data: '' }];
    expect(await read(text)).toEqual(expected);
    expect(await read(...text)).toEqual(expected);
  });

  it('that were not finished are dropped', async () => {
    expect(await read('data: 1\n\ndata: 2\n')).toEqual([{ id: undefined, event: 'message', data: '1' }]);
  });
});

describe('the steps of an operation', () => {
  const step = (state: OperationStep['state'], finishedAt: string | null = null): OperationStep => (
    { name: 'place', state, attempts: 1, startedAt: '2026-11-24T10:00:00.000Z', finishedAt, detail: null });
  const operation = (steps: OperationStep[], error: Operation['error'] = null): Operation => ({
    id: 'op_1', kind: 'provision', databaseId: 'db_1', state: error === null ? 'running' : 'failed', steps, error,
    requestedBy: 'key_1', createdAt: '', startedAt: null, finishedAt: null,
  });

  it('are shown once when they begin and once when they end', () => {
    const lines: string[] = [];
    const printer = new StepPrinter((line) => lines.push(line));
    for (const steps of [[step('pending')], [step('running')], [step('running')], [step('succeeded', '2026-11-24T10:00:01.250Z')], [step('succeeded')]]) {
      printer.show(operation(steps));
    }
    expect(lines).toEqual(['  … place', '  ✓ place  1.25 s']);
  });

  it('say what they wait for, each once', () => {
    const lines: string[] = [];
    const printer = new StepPrinter((line) => lines.push(line));
    const waiting = (waitingFor?: string): OperationStep => ({ ...step('running'), detail: waitingFor === undefined ? null : { waitingFor, progress: { transactions: [] } } });
    for (const one of [step('running'), waiting('a'), waiting('a'), waiting(), waiting('a'), waiting('b')]) printer.show(operation([one]));
    expect(lines).toEqual(['  … place', '    waits: a', '    waits: b']);
    lines.length = 0;
    printer.show(operation([{ ...waiting('something that is over in a moment'), startedAt: new Date().toISOString() }]));
    expect(lines).toEqual([]);
  });

  it('tell what they found', () => {
    const lines: string[] = [];
    const detail = { epoch: 2, hosts: ['a', 'b'], rejoined: [{ host: 'a' }] };
    new StepPrinter((line) => lines.push(line)).show(operation([{ ...step('succeeded', '2026-11-24T10:00:01.250Z'), detail }]));
    expect(lines).toEqual(['  ✓ place  1.25 s  epoch 2; hosts a, b; rejoined [{"host":"a"}]']);
  });

  it('are summed up with the reason', () => {
    expect(describeEnd(operation([], { step: 'place', reason: 'no room', hint: 'add hosts' }))).toBe('provision op_1 failed at "place": no room; add hosts');
    expect(describeEnd(operation([]))).toBe('provision op_1 running');
  });
});

describe('problems of the API', () => {
  const problem = (status: number, more: object = {}) => new ProblemError(status, {
    type: 'https://example.com/problems/some', title: 'It is not so', status, detail: 'it is otherwise', instance: '', ...more,
  }, undefined);

  it('are told in a line, and how to give a key where one is missing', () => {
    expect(describeError(problem(409))).toEqual({ message: 'It is not so: it is otherwise', exitCode: 1 });
    expect(describeError(problem(400, { errors: [{ field: 'name', message: 'is required' }, { field: 'region', message: 'is required' }] })).message)
      .toBe('It is not so: name is required; region is required');
    expect(describeError(problem(401)).message).toContain('FREEHOLD_API_KEY');
  });
});

describe('tables', () => {
  it('are as wide as their widest cell, with a dash for nothing', () => {
    const rows = [{ id: 'a-long-one', n: 1 }, { id: 'b', n: null }];
    expect(formatTable(rows, [['ID', (row) => row.id], ['N', (row) => row.n]])).toBe('ID          N\na-long-one  1\nb           -');
  });
});

describe('logs', () => {
  it('are set aside when they are too long, and the oldest is dropped', () => {
    const folder = mkdtempSync(join(tmpdir(), 'freehold-log-'));
    const path = join(folder, 'api.log');
    const log = new LogFile(path);
    for (let age = 1; age <= 5; age += 1) {
      appendFileSync(path, `part ${age}\n`);
      log.rotate(3);
    }
    appendFileSync(path, 'now\n');
    log.rotate(100);
    expect(['', '.1', '.2', '.3'].map((suffix) => readFileSync(path + suffix, 'utf8'))).toEqual(['now\n', 'part 5\n', 'part 4\n', 'part 3\n']);
    expect(existsSync(`${path}.4`)).toBe(false);
    expect(log.tail(0, 1)).toBe('now');
    log.close();
    rmSync(folder, { recursive: true });
  });
});

describe('the reserve of a control plane', () => {
  const MIB = 2 ** 20;
  const GIB = 2 ** 30;

  it('is a small part of a small disk, and bounded', () => {
    expect([0.25, 2, 8, 1_000].map((gib) => ballastBytes(gib * GIB) / MIB)).toEqual([16, 64, 256, 256]);
  });

  it.each([
    ['is made where there is room', 100 * GIB, 0, 'make'],
    ['is made whole', 100 * GIB, 16 * MIB, 'make'],
    ['is kept', 100 * GIB, 256 * MIB, 'keep'],
    ['is kept when little is left', 65 * MIB, 256 * MIB, 'keep'],
    ['is let go when next to nothing is', 63 * MIB, 256 * MIB, 'release'],
    ['is not made anew of what was just let go', 0.9 * GIB, 0, 'keep'],
  ])('%s', (_, freeBytes, heldBytes, action) => {
    expect(decideBallast({ freeBytes, totalBytes: 100 * GIB, heldBytes })).toBe(action);
  });

  it.each([
    ['is spared once it is in use', 300 * MIB, 0, true],
    ['is not while it is held, or can be made again', 300 * MIB, 256 * MIB, false],
    ['is not while it can be made again', 10 * GIB, 0, false],
    ['is not by what needs room itself when there is none', 15 * MIB, 0, false],
  ])('%s', (_, freeBytes, heldBytes, spared) => {
    expect(isToBeSpared({ freeBytes, totalBytes: 100 * GIB, heldBytes })).toBe(spared);
  });

  it('is not needed for logging: a line that a full disk refuses ends nothing', () => {
    const full = openSync('/dev/full', 'w');
    const log = openLog('info', 'test', standardOutput(full));
    for (let line = 0; line < 3; line += 1) log.info('nobody reads this');
    closeSync(full);
  });
});

describe('processes', () => {
  it('are recognised by more than their number', () => {
    const self = nameProcess(process.pid)!;
    expect(isAlive(self)).toBe(true);
    expect(isAlive({ ...self, startTicks: '1' })).toBe(false);
    expect(isAlive({ ...self, bootId: 'another boot' })).toBe(false);
    expect(nameProcess(2 ** 22 + 1)).toBeUndefined();
  });
});
