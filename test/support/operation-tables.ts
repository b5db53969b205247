import { backUpOperation } from '../../src/backups/sets/operations/back-up.operation.js';
import { expireBackupsOperation } from '../../src/backups/sets/operations/expire-backups.operation.js';
import { proveBackupOperation } from '../../src/backups/sets/operations/prove-backup.operation.js';
import { purgeBackupsOperation } from '../../src/backups/sets/operations/purge-backups.operation.js';
import { restoreInPlaceOperation } from '../../src/backups/restores/operations/restore-in-place.operation.js';
import { restoreOperation } from '../../src/backups/restores/operations/restore.operation.js';
import { setArchiveOperation } from '../../src/backups/sets/operations/set-archive.operation.js';
import { createExtensionOperation } from '../../src/databases/operations/create-extension.operation.js';
import { deleteOperation } from '../../src/databases/operations/delete.operation.js';
import { dropExtensionOperation } from '../../src/databases/operations/drop-extension.operation.js';
import { dropRoleOperation } from '../../src/databases/operations/drop-role.operation.js';
import { failoverOperation } from '../../src/databases/operations/failover.operation.js';
import { provisionOperation } from '../../src/databases/operations/provision.operation.js';
import { recoverOperation } from '../../src/databases/operations/recover.operation.js';
import { releaseKeptOperation } from '../../src/databases/operations/release-kept.operation.js';
import { relocateOperation } from '../../src/databases/operations/relocate.operation.js';
import { reprotectOperation } from '../../src/databases/operations/reprotect.operation.js';
import { rotatePasswordOperation } from '../../src/databases/operations/rotate-password.operation.js';
import { setAllowListOperation } from '../../src/databases/operations/set-allow-list.operation.js';
import { setRoleOperation } from '../../src/databases/operations/set-role.operation.js';
import { switchoverOperation } from '../../src/databases/operations/switchover.operation.js';
import type { OperationDefinition } from '../../src/operations/definition.js';
import { vacateOperation } from '../../src/relocation/vacate.operation.js';
import { OperationRegistry } from '../../src/operations/registry.js';
import type { RunningChange } from '../../src/operations/running-change.js';
import type { Meaning } from '../../src/operations/traits.js';

type Table = OperationDefinition<unknown, never, never>;

/** Tables are made without the parts of a running system: only steps that run use those. */
function withoutParts(make: (parts: never) => unknown): Table {
  return make({} as never) as Table;
}

/** Every kind of operation that there is. */
export const OPERATION_TABLES: readonly Table[] = [
  withoutParts(provisionOperation), withoutParts(failoverOperation), withoutParts(switchoverOperation), withoutParts(reprotectOperation), withoutParts(recoverOperation),
  withoutParts(relocateOperation), withoutParts(releaseKeptOperation), withoutParts(vacateOperation), withoutParts(rotatePasswordOperation), withoutParts(deleteOperation),
  withoutParts(createExtensionOperation), withoutParts(dropExtensionOperation), withoutParts(setRoleOperation), withoutParts(setAllowListOperation), withoutParts(dropRoleOperation),
  withoutParts(setArchiveOperation), withoutParts(backUpOperation), withoutParts(proveBackupOperation), withoutParts(expireBackupsOperation),
  withoutParts(restoreOperation), withoutParts(restoreInPlaceOperation), withoutParts(purgeBackupsOperation),
];

/** As a process knows them. */
export const OPERATION_REGISTRY = new OperationRegistry();
for (const table of OPERATION_TABLES) OPERATION_REGISTRY.register(table);

export const meaningOf = (change: RunningChange): Meaning => OPERATION_REGISTRY.meaningOf(change);
