import { readdirSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { backUpOperation } from '../../../src/backups/sets/operations/back-up.operation.js';
import { expireBackupsOperation } from '../../../src/backups/sets/operations/expire-backups.operation.js';
import { proveBackupOperation } from '../../../src/backups/sets/operations/prove-backup.operation.js';
import { purgeBackupsOperation } from '../../../src/backups/sets/operations/purge-backups.operation.js';
import { restoreInPlaceOperation } from '../../../src/backups/restores/operations/restore-in-place.operation.js';
import { restoreOperation } from '../../../src/backups/restores/operations/restore.operation.js';
import { setArchiveOperation } from '../../../src/backups/sets/operations/set-archive.operation.js';
import { createExtensionOperation } from '../../../src/databases/operations/create-extension.operation.js';
import { deleteOperation } from '../../../src/databases/operations/delete.operation.js';
import { dropExtensionOperation } from '../../../src/databases/operations/drop-extension.operation.js';
import { dropRoleOperation } from '../../../src/databases/operations/drop-role.operation.js';
import { failoverOperation } from '../../../src/databases/operations/failover.operation.js';
import { provisionOperation } from '../../../src/databases/operations/provision.operation.js';
import { recoverOperation } from '../../../src/databases/operations/recover.operation.js';
import { releaseKeptOperation } from '../../../src/databases/operations/release-kept.operation.js';
import { relocateOperation } from '../../../src/databases/operations/relocate.operation.js';
import { reprotectOperation } from '../../../src/databases/operations/reprotect.operation.js';
import { rotatePasswordOperation } from '../../../src/databases/operations/rotate-password.operation.js';
import { setRoleOperation } from '../../../src/databases/operations/set-role.operation.js';
import { switchoverOperation } from '../../../src/databases/operations/switchover.operation.js';
import { assertWellFormed, type OperationDefinition } from '../../../src/operations/definition.js';
import { vacateOperation } from '../../../src/relocation/vacate.operation.js';
import { describeTable, drawTable } from '../../support/draw-table.js';

/** Tables are made without the parts of a running system: only steps that run use those. */
function withoutParts(make: (parts: never) => unknown): OperationDefinition<unknown, never, never> {
  return make({} as never) as OperationDefinition<unknown, never, never>;
}

const failover = withoutParts(failoverOperation);
const tables = [
  withoutParts(provisionOperation), failover, withoutParts(switchoverOperation), withoutParts(reprotectOperation), withoutParts(recoverOperation),
  withoutParts(relocateOperation), withoutParts(releaseKeptOperation), withoutParts(vacateOperation), withoutParts(rotatePasswordOperation), withoutParts(deleteOperation),
  withoutParts(createExtensionOperation), withoutParts(dropExtensionOperation), withoutParts(setRoleOperation), withoutParts(dropRoleOperation),
  withoutParts(setArchiveOperation), withoutParts(backUpOperation), withoutParts(proveBackupOperation), withoutParts(expireBackupsOperation),
  withoutParts(restoreOperation), withoutParts(restoreInPlaceOperation), withoutParts(purgeBackupsOperation),
];

const document = (name: string): string => fileURLToPath(new URL(`../../../docs/${name}`, import.meta.url));

describe('the documents about operations', () => {
  it('show the tables of steps as they are (vitest -u writes them anew)', async () => {
    for (const table of tables) assertWellFormed(table as unknown as OperationDefinition<unknown>);
    const introduction = [
      '# Operations', '',
      'Every kind of long-running change, as its table of steps has it. This page is generated from those tables by a test; how',
      'they are run is told in [ARCHITECTURE.md](../ARCHITECTURE.md), and what failover and switchover promise in',
      '[failover.md](failover.md).', '',
      'A step is tried as often as its table says, each time within its time-out. An arrow is the way when all goes well, a dotted',
      'one what follows when a step has used up its attempts. A step may also skip others by what it finds, which is not drawn.', '', '',
    ].join('\n');
    await expect(introduction + tables.map(describeTable).join('\n')).toMatchFileSnapshot(document('operations.md'));
  });

  it('show the failover in failover.md too', async () => {
    const path = document('failover.md');
    const generated = /(<!-- generated [^\n]*-->\n)[^]*(<!-- end of what is generated -->)/;
    const text = readFileSync(path, 'utf8');
    expect(text).toMatch(generated);
    await expect(text.replace(generated, (_, begin: string, end: string) => `${begin}\n${drawTable(failover)}\n\n${end}`)).toMatchFileSnapshot(path);
  });

  it('leave out no kind of operation', () => {
    const files = readdirSync(new URL('../../../src/', import.meta.url), { recursive: true, encoding: 'utf8' }).filter((file) => file.endsWith('.operation.ts'));
    expect(tables).toHaveLength(files.length);
  });
});
