import { describe, expect, it } from 'vitest';

import { instancePaths, listInstances } from '../../../../../src/engine/local/fleet/instance-layout.js';

describe('the instances of a host', () => {
  const tree: Record<string, string[]> = {
    '/f/hosts/h1': ['.staged', 'db_a', 'db_b'],
    '/f/hosts/h1/db_a': ['ins_1', 'ins_gone', 'volume'],
    '/f/hosts/h1/db_a/volume': ['ins_1', 'ins_1.kept-2026', 'lost+found'],
    '/f/hosts/h1/db_b/volume': ['ins_2'],
  };
  const list = (directory: string): Promise<string[]> => Promise.resolve(tree[directory] ?? []);

  it('are those with a record or with data, and no copy that was kept', async () => {
    const found = await listInstances('/f', 'h1', list);
    expect(found.map(({ id, database }) => `${database.id}/${id}`)).toEqual(['db_a/ins_1', 'db_a/ins_gone', 'db_b/ins_2']);
    expect(await listInstances('/f', 'h2', list)).toEqual([]);
  });

  it('have their files where their names say', async () => {
    const [first] = await listInstances('/f', 'h1', list);
    expect(first && instancePaths('/f', first)).toMatchObject({ port: '/f/hosts/h1/db_a/ins_1/port', data: '/f/hosts/h1/db_a/volume/ins_1/data' });
    expect(() => instancePaths('/f', { id: '../ins_1', host: 'h1', database: { id: 'db_a' } })).toThrow(/is not an id/);
  });
});
