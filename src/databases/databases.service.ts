import { Inject, Injectable } from '@nestjs/common';
import type { EntityManager } from 'typeorm';
import type { Asker } from '../changes/caller.js';
import type { Locale } from '../config/locale-names.js';
import { SETTINGS } from '../config/settings-token.js';
import type { Settings } from '../config/settings.js';
import { Vault } from '../secrets/vault.js';
import { EVERYWHERE } from '../engine/allow-list.js';
import { ENGINE } from '../engine/engine-token.js';
import type { Engine, EndpointSubject } from '../engine/ports.js';
import { scramVerifier } from '../secrets/scram-verifier.js';
import { NoRoomError } from '../fleet/fleet-errors.js';
import { FleetService } from '../fleet/fleet.service.js';
import { DEFAULT_PLAN, type Plan } from '../fleet/plans.js';
import { requirePlan } from '../fleet/require-plan.js';
import { newId } from '../metadata/ids.js';
import { Metadata } from '../metadata/metadata.js';
import { queryRows } from '../metadata/query-rows.js';
import { withFullRights } from '../metadata/confine.js';
import { confineTo, EVERYTHING, type Reach } from '../metadata/reach.js';
import { type Select, writeSelect } from '../metadata/select.js';
import type { OperationDocument } from '../operations/operation.js';
import { OperationsService } from '../operations/operations.service.js';
import { readDocument } from '../operations/postgres-store.js';
import { type DatabaseFilter, type DatabaseRow, type DocumentParts, endpointUris, readDatabases } from './database-document.js';
import { changeOf } from './change-of.js';
import { type AskedLocale, chooseLocale, DEFAULT_LOCALE } from './choose-locale.js';
import { chooseSlot } from './choose-slot.js';
import type { Credentials, DatabaseDocument } from './database.schemas.js';
import { DatabaseEntity } from './database.entity.js';
import { MetadataDatabaseRecords } from './database-records.js';
import { newestUser, overlapPasswords, type OwnerLogins, replacePassword, settleLogins } from './decide-logins.js';
import {
  CustomerNotFoundError, DatabaseNotAvailableError, DatabaseNotDeletedError, DataLossNotAcceptedError,
  DatabaseNotFoundError, NameTakenError, QuotaExceededError,
} from './database-errors.js';
import type { DatabaseSight } from './database-sight.js';
import { lsnToBytes } from './elect-standby.js';
import { endpointNameOf } from './endpoint-names.js';
import { InstancePlaces } from './instance-places.js';
import { newPassword } from './new-password.js';
import { DELETE } from './operations/delete.operation.js';
import { FAILOVER } from './operations/failover.operation.js';
import { PROVISION } from './operations/provision.operation.js';
import { RECOVER } from './operations/recover.operation.js';
import { RELOCATE } from './operations/relocate.operation.js';
import { RELEASE_KEPT } from './operations/release-kept.operation.js';
import { REPROTECT } from './operations/reprotect.operation.js';
import { ROTATE_PASSWORD } from './operations/rotate-password.operation.js';
import { SWITCHOVER } from './operations/switchover.operation.js';
import { OwnLooks } from './own-looks.js';

/** Whose a database is, and what a change has to know before it begins. */
export interface OwnedDatabase {
  readonly id: string;
  readonly customerId: string;
  readonly inSync: boolean;
}

export interface NewDatabase {
  readonly asker: Asker;
  readonly customerId: string;
  readonly name: string;
  readonly region: string;
  readonly plan?: string;
  /** From where clients may come; from everywhere if it is absent. */
  readonly allowList?: readonly string[];
  /** By what it sorts text, one that {@link DatabasesService.chooseLocale} found; by code point if it is absent. */
  readonly locale?: Locale;
}

/** The operation that makes a database. */
export interface Making {
  readonly kind: string;
  readonly input: Readonly<Record<string, unknown>>;
  /** What the database and its owner are called in PostgreSQL, if they are there already; made of the name if left out. */
  readonly names?: { readonly database: string; readonly user: string };
}

export interface DatabaseRequest {
  readonly asker: Asker;
  readonly id: string;
}

type Owned = Pick<OwnedDatabase, 'id' | 'customerId'>;

/** How long a request waits for what the servers have. */
const LOOK_TIMEOUT_MS = 10_000;

/** What customers own. It records requests; operations act on them. */
@Injectable()
export class DatabasesService {
  private readonly looks: OwnLooks;

  constructor(
    private readonly metadata: Metadata,
    private readonly fleet: FleetService,
    private readonly operations: OperationsService,
    private readonly records: MetadataDatabaseRecords,
    private readonly places: InstancePlaces,
    private readonly vault: Vault,
    @Inject(ENGINE) private readonly engine: Engine,
    @Inject(SETTINGS) private readonly settings: Settings,
  ) {
    this.looks = new OwnLooks(engine.instances, (id) => records.read(id));
  }

  /**
   * Reserves hosts for a database and asks for it to be made. Nothing is left behind if it throws.
   *
   * @throws CustomerNotFoundError, UnknownRegionError, UnknownPlanError, NameTakenError, QuotaExceededError, NoRoomError
   */
  async create(
    tx: EntityManager, request: NewDatabase, by: Making = { kind: PROVISION, input: {} },
  ): Promise<{ database: DatabaseDocument; operation: OperationDocument; credentials: Credentials }> {
    const plan = requirePlan(request.plan ?? DEFAULT_PLAN);
    await this.fleet.lockRegion(tx, request.region);
    await this.lockCustomer(tx, request.asker.reach, request.customerId);
    await this.checkQuota(tx, request.customerId, request.name, plan);
    const password = newPassword();
    const database = await this.insert(tx, request, plan, await scramVerifier(password), by.names);
    await this.places.reserve(tx, database.id);
    const operationId = newId('operation');
    const operation = await this.operations.request(tx, {
      id: operationId, kind: by.kind, subjectId: database.id, ownerId: request.customerId, input: { databaseId: database.id, ...by.input },
      sealed: this.vault.seal(password, operationId), requestedBy: request.asker.id, requestId: request.asker.requestId,
    });
    return { database: await this.require(tx, database.id), operation, credentials: this.credentialsOf(database, password) };
  }

  /**
   * The locale that a new database of a region gets.
   *
   * @throws LocaleNotAvailableError
   */
  async chooseLocale(region: string, asked: AskedLocale): Promise<Locale> {
    if (asked.locale === undefined && asked.provider === undefined) return DEFAULT_LOCALE;
    return chooseLocale(asked, await this.engine.locales(region, AbortSignal.timeout(LOOK_TIMEOUT_MS)));
  }

  /** Asks for a standby to be moved to another host. */
  requestRelocation(
    tx: EntityManager, { id, customerId }: Owned, input: { readonly instanceId: string; readonly hostLost: boolean }, asker: Asker,
  ): Promise<OperationDocument> {
    return this.operations.request(tx, changeOf(RELOCATE, { id, customerId }, input, asker));
  }

  /** Whose a database is: all that a change reads of it before its transaction. */
  async findOwned(reach: Reach, id: string): Promise<OwnedDatabase | undefined> {
    const select = writeSelect(
      SELECT_OWNED, { 'id = ?': id }, reach, 'customer_id', 'AND (purge_at IS NULL OR purge_at > now()) LIMIT ?', 1,
    );
    return (await this.metadata.select<OwnedDatabase>(reach, select))[0];
  }

  async find(reach: Reach, id: string): Promise<DatabaseDocument | undefined> {
    return (await this.list(reach, { id, limit: 1 }))[0];
  }

  /** The same, looked at now if no watcher looks at it. */
  async observe(reach: Reach, id: string): Promise<DatabaseDocument | undefined> {
    const look = (databaseId: string): Promise<DatabaseSight> => this.looks.look(databaseId);
    const run = (select: Select): Promise<DatabaseRow[]> => this.metadata.select<DatabaseRow>(reach, select);
    return (await readDatabases(run, reach, this.documentParts, { id, limit: 1 }, look))[0];
  }

  list(reach: Reach, filter: DatabaseFilter): Promise<DatabaseDocument[]> {
    return readDatabases((select) => this.metadata.select<DatabaseRow>(reach, select), reach, this.documentParts, filter);
  }

  /**
   * Asks for the database to be deleted; asked again, answers with the same operation, which stops waiting for a backup from
   * then on if it is told so.
   */
  async delete(
    tx: EntityManager, request: DatabaseRequest & { readonly withoutBackup?: boolean },
  ): Promise<{ database: DatabaseDocument; operation: OperationDocument }> {
    const database = await this.lock(tx, request);
    const [running] = await queryRows<{ id: string }>(tx,
      `SELECT id FROM operations
        WHERE subject_id = $1 AND kind = $2 AND (state IN ('pending', 'running') OR state = 'succeeded' AND $3) ORDER BY id DESC LIMIT 1`,
      [database.id, DELETE, database.deletedAt !== null]);
    const { withoutBackup = false } = request;
    const earlier = running
      && await (withoutBackup ? this.operations.amend(tx, running.id, { withoutBackup }) : readDocument(tx, running.id));
    const input = { ...(withoutBackup && { withoutBackup }) };
    const operation = earlier ?? await this.operations.request(tx, changeOf(DELETE, database, input, request.asker));
    return { database: await this.require(tx, database.id), operation };
  }

  /**
   * Brings the record of a deleted database back, with hosts for its instances, and asks for its data to be restored.
   * Its owner, password and endpoint are what they were, whatever it is called from now on.
   *
   * @throws DatabaseNotDeletedError, NameTakenError, QuotaExceededError, NoRoomError
   */
  async undelete(
    tx: EntityManager, request: DatabaseRequest & { readonly name?: string | undefined }, by: Making,
  ): Promise<{ database: DatabaseDocument; operation: OperationDocument }> {
    const database = await this.lock(tx, request);
    if (database.deletedAt === null || database.purgeAt === null) throw new DatabaseNotDeletedError();
    const name = request.name ?? database.name;
    await this.fleet.lockRegion(tx, database.regionId);
    await this.lockCustomer(tx, request.asker.reach, database.customerId);
    await this.checkQuota(
      tx, database.customerId, name, requirePlan(database.plan),
      'send another "name" to bring it back under, or delete that database first',
    );
    const secrets = { control: newPassword(), replication: newPassword() };
    await tx.update(DatabaseEntity, { id: database.id }, {
      name, deletedAt: null, purgeAt: null, provisionedAt: null, epoch: database.epoch + 1, inSync: [], automationPaused: null,
      sealedSecrets: this.vault.seal(JSON.stringify(secrets), database.id),
    });
    await this.places.reserve(tx, database.id);
    const operation = await this.operations.request(tx, {
      kind: by.kind, subjectId: database.id, ownerId: database.customerId,
      input: {
        databaseId: database.id, ...by.input,
        deleted: { name: database.name, deletedAt: database.deletedAt.toISOString(), purgeAt: database.purgeAt.toISOString() },
      },
      requestedBy: request.asker.id, requestId: request.asker.requestId,
    });
    return { database: await this.require(tx, database.id), operation };
  }

  /**
   * Asks for a new password. It is valid once the operation has succeeded. With an overlap the present one stays valid for so many
   * hours, and the new one goes with a name of its own.
   */
  async rotatePassword(
    tx: EntityManager, request: DatabaseRequest & { readonly overlapHours?: number },
  ): Promise<{ credentials: Credentials; operation: OperationDocument }> {
    const database = await this.lock(tx, request);
    const { state } = await this.require(tx, database.id);
    if (state === 'deleted' || state === 'failed') throw new DatabaseNotAvailableError(state);
    const password = newPassword();
    const verifier = await scramVerifier(password);
    const { overlapHours = 0 } = request;
    const logins = overlapHours === 0
      ? replacePassword(verifier)
      : overlapPasswords(loginsOf(database), database.endpointUser, verifier, new Date(Date.now() + overlapHours * HOUR_MS));
    const operation = await this.requestLogins(tx, database, logins, request.asker);
    const endpointUser = newestUser(logins, database.endpointUser);
    return { credentials: this.credentialsOf({ ...database, endpointUser }, password), operation };
  }

  /** Asks for the end of an older password whose time is over; undefined if there is none. */
  async endOverlap(tx: EntityManager, request: DatabaseRequest): Promise<OperationDocument | undefined> {
    const database = await this.lock(tx, request);
    if (database.ownerUntil === null || database.ownerUntil > new Date()) return undefined;
    return this.requestLogins(tx, database, settleLogins(loginsOf(database)), request.asker);
  }

  /** Databases with an older password whose time is over, and which no other change keeps from being told. */
  async listEndedOverlaps(): Promise<string[]> {
    const rows = await queryRows<{ id: string }>(this.metadata.dataSource.manager, `
      SELECT id FROM databases
       WHERE owner_until <= now() AND provisioned_at IS NOT NULL AND deleted_at IS NULL AND automation_paused IS NULL
         AND NOT EXISTS (SELECT FROM operations o WHERE o.subject_id = databases.id AND o.exclusive AND o.state IN ('pending', 'running'))
       ORDER BY id`);
    return rows.map(({ id }) => id);
  }

  private requestLogins(
    tx: EntityManager, database: DatabaseEntity, { ownerVerifier: verifier, ownerUntil, logins }: OwnerLogins, asker: Asker,
  ): Promise<OperationDocument> {
    return this.operations.request(tx, changeOf(ROTATE_PASSWORD, database, { verifier, ownerUntil, logins }, asker));
  }

  /**
   * Asks for a change inside a database that is there.
   *
   * @throws DatabaseNotAvailableError
   */
  async requestChange(
    tx: EntityManager, request: DatabaseRequest, kind: string, input: Readonly<Record<string, unknown>>,
  ): Promise<OperationDocument> {
    const database = await this.lock(tx, request);
    if (database.provisionedAt === null || database.deletedAt !== null) throw await this.notAvailable(tx, database);
    return this.operations.request(tx, changeOf(kind, database, input, request.asker));
  }

  /**
   * Asks for a change by which a role of the database gets a new password; its verifier is added to the input. It is valid once
   * the operation has succeeded.
   *
   * @throws DatabaseNotAvailableError
   */
  async requestLogin(
    tx: EntityManager, request: DatabaseRequest, kind: string, user: string, input: Readonly<Record<string, unknown>>,
  ): Promise<{ credentials: Credentials; operation: OperationDocument }> {
    const password = newPassword();
    const operation = await this.requestChange(tx, request, kind, { ...input, verifier: await scramVerifier(password) });
    const database = await tx.findOneByOrFail(DatabaseEntity, { id: request.id });
    return { credentials: this.credentialsOf({ ...database, endpointUser: user }, password), operation };
  }

  /**
   * Asks for a standby to become the primary, as planned. Asked again while it runs, answers with the same operation, which
   * heeds from then on after how many minutes transactions in its way are to be ended.
   *
   * @throws DatabaseNotAvailableError without a standby that is in sync
   */
  async switchover(
    tx: EntityManager, request: DatabaseRequest & { readonly endTransactionsAfterMinutes?: number | undefined },
  ): Promise<OperationDocument> {
    const database = await this.lock(tx, request);
    const { endTransactionsAfterMinutes } = request;
    const bound = endTransactionsAfterMinutes === undefined ? undefined : { endTransactionsAfterMinutes };
    const running = await this.runningFor(tx, database, SWITCHOVER);
    if (running) return bound ? this.operations.amend(tx, running.id, bound) : running;
    if (database.inSync.length === 0) throw await this.notAvailable(tx, database, 'a switchover needs a standby that is in sync');
    return this.operations.request(tx, changeOf(SWITCHOVER, database, { epoch: database.epoch, ...bound }, request.asker));
  }

  /**
   * Asks for a standby to become the primary although the primary may be well. Asked again while it runs, answers with
   * the same operation.
   *
   * @param bytesAtRisk as observed just before; the refusal of a caller who has not accepted the loss tells it
   * @throws DataLossNotAcceptedError if no standby is recorded in sync and the loss was not accepted
   */
  async failover(
    tx: EntityManager,
    request: DatabaseRequest & {
      readonly acceptDataLoss: boolean; readonly forced: boolean; readonly reason: string; readonly bytesAtRisk: number | null;
    },
  ): Promise<OperationDocument> {
    const database = await this.lock(tx, request);
    const running = await this.runningFor(tx, database, FAILOVER, request.acceptDataLoss);
    if (running) return running;
    if (database.provisionedAt === null || database.deletedAt !== null) throw await this.notAvailable(tx, database);
    if (database.inSync.length === 0 && !request.acceptDataLoss) throw new DataLossNotAcceptedError(request.bytesAtRisk);
    const { acceptDataLoss, forced, reason } = request;
    const input = { epoch: database.epoch, reason, forced, acceptDataLoss };
    return this.operations.request(tx, changeOf(FAILOVER, database, input, request.asker));
  }

  /**
   * How much the standby with the most WAL lacks, in bytes; null if nobody can tell, because the primary does not answer.
   */
  async bytesAtRisk(id: string, signal: AbortSignal): Promise<number | null> {
    const { members } = await this.records.read(id);
    const seen = await Promise.all(members.map(async ({ ref, role }) => ({
      role, lsn: (await this.engine.instances.observe(ref, signal)).lsn,
    })));
    const lsn = seen.find(({ role }) => role === 'primary')?.lsn;
    const received = seen.flatMap((instance) =>
      (instance.role === 'standby' && instance.lsn !== undefined ? [lsnToBytes(instance.lsn)] : []));
    if (lsn === undefined || received.length === 0) return null;
    return Number(received.map((bytes) => lsnToBytes(lsn) - bytes).reduce((least, gap) => (gap < least ? gap : least)));
  }

  /** Asks for the database to be made redundant again. */
  requestReprotection(tx: EntityManager, { id, customerId }: Owned, reason: string, asker: Asker): Promise<OperationDocument> {
    return this.operations.request(tx, changeOf(REPROTECT, { id, customerId }, { reason }, asker));
  }

  /**
   * The operation of that kind that runs for the database's present epoch. A caller who accepts a loss of data is not answered
   * with a failover that waits because it may not lose any.
   */
  private async runningFor(
    tx: EntityManager, database: DatabaseEntity, kind: string, acceptDataLoss = false,
  ): Promise<OperationDocument | undefined> {
    const [running] = await queryRows<{ id: string; step: string }>(tx,
      `SELECT id, step FROM operations WHERE subject_id = $1 AND kind = $2 AND state IN ('pending', 'running') AND input ->> 'epoch' = $3
          AND (NOT $4 OR coalesce((input ->> 'acceptDataLoss')::boolean, false))`,
      [database.id, kind, String(database.epoch), acceptDataLoss]);
    return running && readDocument(tx, running.id);
  }

  /** Asks for a kept copy to be removed; undefined if the database has none of that id. */
  async releaseKept(tx: EntityManager, request: DatabaseRequest & { readonly keptCopyId: string }): Promise<OperationDocument | undefined> {
    const database = await this.lock(tx, request);
    const [copy] = await queryRows<{ instanceId: string; keptId: string }>(tx,
      `SELECT instance_id AS "instanceId", kept_id AS "keptId" FROM kept_copies
        WHERE database_id = $1 AND instance_id || '-' || kept_id = $2`,
      [database.id, request.keptCopyId]);
    return copy && this.operations.request(tx, changeOf(RELEASE_KEPT, database, copy, request.asker));
  }

  /** Pauses or resumes what Freehold does to the database by itself; alerts go on either way. */
  async setAutomation(
    tx: EntityManager, request: DatabaseRequest & { readonly paused: boolean; readonly reason?: string | undefined },
  ): Promise<DatabaseDocument> {
    const database = await this.lock(tx, request);
    await tx.update(DatabaseEntity, { id: database.id }, { automationPaused: request.paused ? request.reason ?? 'no reason given' : null });
    return this.require(tx, database.id);
  }

  /** Databases whose instances should run, and whose automation is not paused. */
  async listAttended(): Promise<{ id: string; customerId: string; region: string }[]> {
    return queryRows(this.metadata.dataSource.manager,
      `SELECT id, customer_id AS "customerId", region_id AS region FROM databases
        WHERE provisioned_at IS NOT NULL AND deleted_at IS NULL AND automation_paused IS NULL ORDER BY id`);
  }

  /** Asks for a database to be started again where it is. */
  requestRecovery(tx: EntityManager, { id, customerId }: Owned, asker: Asker): Promise<OperationDocument> {
    return this.operations.request(tx, changeOf(RECOVER, { id, customerId }, {}, asker));
  }

  private readonly endpointOf = (subject: EndpointSubject) => this.engine.gateway.endpoint(subject);

  private readonly documentParts: DocumentParts = { endpointOf: this.endpointOf, meaningOf: (change) => this.operations.meaningOf(change) };

  private credentialsOf(
    database: Pick<DatabaseEntity, 'id' | 'regionId' | 'endpointSlot' | 'endpointDatabase' | 'endpointUser'>, password: string,
  ): Credentials {
    const { id, regionId: region, endpointSlot, endpointDatabase, endpointUser } = database;
    return {
      user: endpointUser, password,
      ...endpointUris(this.endpointOf({ id, region, endpointSlot }), endpointDatabase, endpointUser, password),
    };
  }

  /** The error names the state that people see. Deriving it means to read the whole document, so only the error does. */
  private async notAvailable(tx: EntityManager, { id }: DatabaseEntity, why?: string): Promise<DatabaseNotAvailableError> {
    return new DatabaseNotAvailableError((await this.require(tx, id)).state, why);
  }

  /** From where clients of a database may come, as it is within the transaction. */
  async readAllowList(tx: EntityManager, id: string): Promise<readonly string[]> {
    return (await tx.findOneByOrFail(DatabaseEntity, { id })).allowList;
  }

  /** A database as it is within the transaction. */
  reread(tx: EntityManager, id: string): Promise<DatabaseDocument> {
    return this.require(tx, id);
  }

  private async require(tx: EntityManager, id: string): Promise<DatabaseDocument> {
    const run = ({ statement, parameters }: Select): Promise<DatabaseRow[]> => queryRows<DatabaseRow>(tx, statement, parameters);
    const [database] = await readDatabases(run, EVERYTHING, this.documentParts, { id, limit: 1 });
    if (!database) throw new DatabaseNotFoundError();
    return database;
  }

  /** Keeps two requests for the same customer apart, so that quotas and names hold. */
  private async lockCustomer(tx: EntityManager, reach: Reach, id: string): Promise<void> {
    const visible = confineTo(reach, 'id', 2);
    const [customer] = await queryRows(
      tx, `SELECT id FROM customers WHERE id = $1 AND ${visible.condition} FOR UPDATE`, [id, ...visible.parameters],
    );
    if (!customer) throw new CustomerNotFoundError(id);
  }

  private async checkQuota(tx: EntityManager, customerId: string, name: string, plan: Plan, whenTaken?: string): Promise<void> {
    const existing = await queryRows<{ name: string; plan: string }>(tx,
      'SELECT name, plan FROM databases WHERE customer_id = $1 AND deleted_at IS NULL', [customerId]);
    if (existing.some((database) => database.name === name)) throw new NameTakenError(name, whenTaken);
    if (existing.length >= this.settings.FREEHOLD_DATABASES_PER_CUSTOMER) throw new QuotaExceededError(existing.length);
    const ofPlan = existing.filter((database) => database.plan === plan.id).length;
    if (ofPlan >= plan.databasesPerCustomer) throw new QuotaExceededError(ofPlan, plan.id);
  }

  private async insert(tx: EntityManager, request: NewDatabase, plan: Plan, ownerVerifier: string, names: Making['names']) {
    const { provider, name: locale } = request.locale ?? DEFAULT_LOCALE;
    const id = newId('database');
    const endpointName = endpointNameOf(request.name);
    const secrets = { control: newPassword(), replication: newPassword() };
    const database = {
      id, customerId: request.customerId, name: request.name, regionId: request.region, plan: plan.id,
      endpointDatabase: names?.database ?? endpointName, endpointUser: names?.user ?? endpointName, ownerVerifier,
      endpointSlot: await this.nextSlot(tx, request.region, plan), unixAccount: await withFullRights(tx, () => nextUnixAccount(tx)),
      localeProvider: provider, locale, allowList: [...(request.allowList ?? EVERYWHERE)], allowListEnforced: true,
      ownerUntil: null, ownerLogins: [],
      sealedSecrets: this.vault.seal(JSON.stringify(secrets), id), epoch: 1, inSync: [],
    };
    await tx.insert(DatabaseEntity, database);
    return database;
  }

  /** In a region that the transaction has locked. */
  private async nextSlot(tx: EntityManager, region: string, plan: Plan): Promise<number> {
    const rows = await withFullRights(tx, () => queryRows<{ slot: number; taken: boolean }>(tx,
      'SELECT endpoint_slot AS slot, purge_at IS NULL OR purge_at > now() AS taken FROM databases WHERE region_id = $1', [region]));
    const taken = new Set(rows.filter((row) => row.taken).map(({ slot }) => slot));
    const slot = chooseSlot(this.engine.gateway.slots(region), taken, Math.max(-1, ...rows.map((row) => row.slot)));
    if (slot === undefined) throw new NoRoomError(region, plan.id, 'no port is left for another database');
    return slot;
  }

  private async lock(tx: EntityManager, { id, asker }: DatabaseRequest): Promise<DatabaseEntity> {
    const visible = confineTo(asker.reach, 'customer_id', 2);
    // In the order in which operations lock when they record a step: the token first, then the database.
    await this.operations.lockSubject(tx, id);
    const [row] = await queryRows<{ id: string }>(tx,
      `SELECT id FROM databases WHERE id = $1 AND (purge_at IS NULL OR purge_at > now()) AND ${visible.condition} FOR UPDATE`,
      [id, ...visible.parameters]);
    if (!row) throw new DatabaseNotFoundError();
    return tx.findOneByOrFail(DatabaseEntity, { id });
  }
}

const HOUR_MS = 60 * 60_000;

const loginsOf = ({ ownerVerifier, ownerUntil, ownerLogins }: DatabaseEntity): OwnerLogins =>
  ({ ownerVerifier, ownerUntil: ownerUntil?.toISOString() ?? null, logins: ownerLogins });

const SELECT_OWNED = `SELECT id, customer_id AS "customerId", cardinality(in_sync) > 0 AS "inSync" FROM databases`;

/** The next number of the range that no database has, nor the backups of a deleted database that can be brought back. */
async function nextUnixAccount(tx: EntityManager): Promise<number> {
  for (;;) {
    const [row] = await queryRows<{ account: number; taken: boolean }>(tx,
      `SELECT account, EXISTS (SELECT FROM databases WHERE unix_account = account AND (purge_at IS NULL OR purge_at > now())) AS taken
         FROM (SELECT nextval('unix_accounts')::integer AS account) AS next`);
    if (row && !row.taken) return row.account;
  }
}
