import { readdirSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { FAILOVER } from '../../../src/databases/operations/failover.operation.js';
import { VACATE } from '../../../src/relocation/vacate.operation.js';
import { describeMeanings, describeTable, drawTable } from '../../support/draw-table.js';
import { OPERATION_REGISTRY, OPERATION_TABLES } from '../../support/operation-tables.js';

const document = (name: string): string => fileURLToPath(new URL(`../../../docs/${name}`, import.meta.url));

describe('the documents about operations', () => {
  it('show the tables of steps as they are (vitest -u writes them anew)', async () => {
    const introduction = [
      '# Operations', '',
      'Every kind of long-running change, as its table of steps has it. This page is generated from those tables by a test; how',
      'they are run is told in [ARCHITECTURE.md](../ARCHITECTURE.md), and what failover and switchover promise in',
      '[failover.md](failover.md).', '',
      'A step is tried as often as its table says, each time within its time-out. An arrow is the way when all goes well, a dotted',
      'one what follows when a step has used up its attempts. A step may also skip others by what it finds, which is not drawn.', '', '',
    ].join('\n');
    const tables = OPERATION_TABLES.map(describeTable).join('\n');
    const meanings = describeMeanings(OPERATION_TABLES.filter(({ kind }) => kind !== VACATE), OPERATION_REGISTRY);
    await expect(`${introduction}${tables}\n${meanings}`).toMatchFileSnapshot(document('operations.md'));
  });

  it('show the failover in failover.md too', async () => {
    const path = document('failover.md');
    const failover = drawTable(OPERATION_TABLES.find(({ kind }) => kind === FAILOVER)!);
    const generated = /(<!-- generated [^\n]*-->\n)[^]*(<!-- end of what is generated -->)/;
    const text = readFileSync(path, 'utf8');
    expect(text).toMatch(generated);
    await expect(text.replace(generated, (_, begin: string, end: string) => `${begin}\n${failover}\n\n${end}`)).toMatchFileSnapshot(path);
  });

  it('leave out no kind of operation', () => {
    const files = readdirSync(new URL('../../../src/', import.meta.url), { recursive: true, encoding: 'utf8' }).filter((file) => file.endsWith('.operation.ts'));
    expect(OPERATION_TABLES).toHaveLength(files.length);
  });
});
