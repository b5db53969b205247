import { describe, expect, it } from 'vitest';

import { describeRemark, judgeCheckError } from '../../../../../src/engine/local/backups/judge-check.js';

describe('a check of a restored backup that fails', () => {
  it.each([['XX001', 'damage'], ['XX002', 'damage'], ['XX000', 'damage'], ['58P01', 'damage'], ['22021', 'damage']] as const)('with %s tells of %s', (code, fault) => {
    expect(judgeCheckError({ code, message: 'x' })).toBe(fault);
  });

  it.each([['53100'], ['53200'], ['57P01'], ['57014'], ['58030'], ['42883'], [undefined]])('with %s is the drill\'s own trouble', (code) => {
    expect(judgeCheckError({ code, message: 'x' })).toBe('drill');
  });
});

describe('what a customer is told of an index', () => {
  const budgetMs = 600_000;

  it('names the index, what happened, and what to do, in one short line', () => {
    expect(describeRemark('app.by_name', { code: 'P0001', message: `no\n${'x'.repeat(900)}` }, { over: undefined, budgetMs })).toMatch(/^index app\.by_name could not be compared with its table: .*P0001: no x{100,200}\)$/);
    expect(describeRemark('app.by_name', { code: 'XX002', message: 'lacks a tuple' }, { over: undefined, budgetMs })).toContain('reindex it');
    expect(describeRemark('app.by_name', { message: '' }, { over: 'time', budgetMs })).toContain('longer than 600 s');
    expect(describeRemark('app.by_name', { message: 'terminated' }, { over: undefined, budgetMs })).toContain('the session ended');
  });
});
