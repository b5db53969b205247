import { describe, expect, it } from 'vitest';

const { readAudit: read } = (await import('../../../scripts/audit-packages.mjs' as string)) as { readAudit: (output: string) => string[] | undefined };
const hole = (severity: string) => ({ name: 'leaky', severity, range: '<1.2.3' });

describe('npm audit', () => {
  it('counts for holes that are high or critical', () => {
    const report = { vulnerabilities: { a: hole('low'), b: hole('moderate'), c: hole('high'), d: hole('critical') } };
    expect(read(JSON.stringify(report))).toEqual(['leaky <1.2.3: high', 'leaky <1.2.3: critical']);
    expect(read(JSON.stringify({ vulnerabilities: {} }))).toEqual([]);
  });

  it.each(['', 'npm error', 'null', '{"message":"405 Method Not Allowed","statusCode":405}', '{"error":{"code":"ENOTFOUND"}}'])('says nothing where the registry does not answer: %s', (output) => {
    expect(read(output)).toBeUndefined();
  });
});
