import { spawnSync } from 'node:child_process';
import type { EntityManager } from 'typeorm';
import { expect } from 'vitest';
import type { DatabaseDocument } from '../../../src/databases/database.schemas.js';
import { DatabasesService } from '../../../src/databases/databases.service.js';
import { newId } from '../../../src/metadata/ids.js';
import { Metadata } from '../../../src/metadata/metadata.js';
import { EVERYTHING } from '../../../src/metadata/reach.js';
import type { OperationDocument } from '../../../src/operations/operation.js';
import { OperationsService } from '../../../src/operations/operations.service.js';
import type { TestControlPlane } from '../../support/control-plane.js';
import { processesOf } from '../../support/freehold-command.js';
import { eventually } from '../../support/servers.js';

const asker = { id: 'key_test', reach: EVERYTHING, requestId: null };
const ENDS_MS = 180_000;

export interface Requested {
  readonly id: string;
  readonly operation: OperationDocument;
}

/**
 * Records the request for a database of a customer of its own, and wakes nobody.
 *
 * @param prepare called before the request is committed, when no worker can have seen it
 */
export async function requestDatabase(plane: TestControlPlane, region: string, prepare?: (database: DatabaseDocument) => void): Promise<Requested> {
  const customerId = newId('customer');
  return plane.app.get(Metadata).transaction(async (tx) => {
    await tx.query(`INSERT INTO customers (id, name, email, created_by) VALUES ($1, 'Ada', 'ada@example.com', 'key_test')`, [customerId]);
    const { database, operation } = await plane.app.get(DatabasesService).create(tx, { asker, customerId, name: 'shop', region });
    prepare?.(database);
    return { id: database.id, operation };
  });
}

/** Without the backup that a deletion waits for: no keeper makes one here. */
export function requestDeletion(plane: TestControlPlane, id: string): Promise<OperationDocument> {
  return plane.app.get(Metadata).transaction(async (tx: EntityManager) => (await plane.app.get(DatabasesService).delete(tx, { asker, id, withoutBackup: true })).operation);
}

export const announce = (plane: TestControlPlane, operation: OperationDocument): Promise<void> => plane.app.get(OperationsService).announce(operation);

export function readOperation(plane: TestControlPlane, id: string): Promise<OperationDocument | undefined> {
  return plane.app.get(OperationsService).find(EVERYTHING, id);
}

/** Waits until the operation is at the step, or past it. */
export function reached(plane: TestControlPlane, operation: OperationDocument, step: string): Promise<unknown> {
  return eventually(async () => (await readOperation(plane, operation.id))?.steps.find(({ name }) => name === step)?.state !== 'pending', ENDS_MS);
}

export function ended(plane: TestControlPlane, operation: OperationDocument): Promise<OperationDocument> {
  return eventually(async () => {
    const now = await readOperation(plane, operation.id);
    return now?.finishedAt ? now : undefined;
  }, ENDS_MS);
}

export async function readDatabase(plane: TestControlPlane, id: string): Promise<DatabaseDocument> {
  return (await plane.app.get(DatabasesService).find(EVERYTHING, id))!;
}

/** No process, no data directory and no route of the database is left on the machine. */
export function expectNothingLeft(plane: TestControlPlane, { id }: Requested): void {
  const root = plane.fleetRoot;
  const find = (...args: string[]): string => spawnSync('find', [root, ...args], { encoding: 'utf8' }).stdout;
  expect(processesOf([id])).toEqual([]);
  expect(find('-path', `*${id}*`, '-name', 'PG_VERSION')).toBe('');
  expect(find('-path', `*${id}/volume/*`)).toBe('');
  expect(find('-path', `*/gateways/*/routes/${id}/route.json`, '-o', '-path', `*/gateways/*/poolers/${id}*`)).toBe('');
}
