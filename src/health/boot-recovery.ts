import { Inject, Injectable } from '@nestjs/common';
import { reasonOf } from '../base/reason-of.js';
import { systemCaller } from '../changes/caller.js';
import type { Log } from '../telemetry/log.js';
import { LOG } from '../telemetry/log-token.js';
import { MetadataDatabaseRecords } from '../databases/database-records.js';
import { DatabaseRequests } from '../databases/database.requests.js';
import { DatabasesService } from '../databases/databases.service.js';
import { RECOVER } from '../databases/operations/recover.operation.js';
import { ENGINE } from '../engine/engine-token.js';
import type { Engine } from '../engine/ports.js';
import { OperationInTheWayError } from '../operations/store.js';
import { OperationsService } from '../operations/operations.service.js';
import { needsRecovery } from './needs-recovery.js';

/** Databases that are looked at side by side. */
const LOOKS_AT_ONCE = 8;
const LOOK_TIMEOUT_MS = 5_000;
const GATEWAY_TIMEOUT_MS = 10_000;
const BOOT = systemCaller('boot');

/**
 * Looks once at every database that should run and asks for the recovery of those that do not: after a crash or a
 * reboot of the machine. It believes what it observes, not what is recorded.
 */
@Injectable()
export class BootRecovery {
  private looked = false;
  /** What brings back the databases that were found down: asked for here, or under way already. */
  private readonly awaited = new Set<string>();

  constructor(
    private readonly requests: DatabaseRequests,
    private readonly databases: DatabasesService,
    private readonly records: MetadataDatabaseRecords,
    private readonly operations: OperationsService,
    @Inject(ENGINE) private readonly engine: Engine,
    @Inject(LOG) private readonly log: Log,
  ) {}

  /** Whether every database has been looked at, and none that was down is still being brought back. */
  async isFinished(): Promise<boolean> {
    return this.looked && !(await this.operations.areUnderWay([...this.awaited], RECOVER));
  }

  async run(): Promise<void> {
    const waiting = await this.databases.listAttended();
    const regions = new Set(waiting.map(({ region }) => region));
    const lookAtNext = async (): Promise<void> => {
      for (let database = waiting.pop(); database; database = waiting.pop()) await this.recoverIfDown(database);
    };
    await Promise.all([...Array.from({ length: LOOKS_AT_ONCE }, lookAtNext), ...[...regions].map((region) => this.keepGateway(region))]);
    this.looked = true;
  }

  private async keepGateway(region: string): Promise<void> {
    try {
      await this.engine.gateway.keep(region, AbortSignal.timeout(GATEWAY_TIMEOUT_MS));
    } catch (error) {
      this.log.warn({ region, reason: reasonOf(error) }, 'gateway cannot be started');
    }
  }

  private async recoverIfDown(database: { readonly id: string; readonly customerId: string }): Promise<void> {
    try {
      if (!(await this.isDown(database.id))) return;
      const { body: { operation } } = await this.requests.recover(BOOT, database.id);
      this.awaited.add(operation.id);
    } catch (error) {
      // Another process has asked already, or the database is being changed: that change looks for itself.
      if (error instanceof OperationInTheWayError) this.awaited.add(error.operation.id);
      else this.log.warn({ databaseId: database.id, reason: reasonOf(error) }, 'database cannot be looked at');
    }
  }

  private async isDown(databaseId: string): Promise<boolean> {
    const { spec, members, inSync } = await this.records.read(databaseId);
    const primary = members.find(({ role }) => role === 'primary');
    const { state, target } = await this.engine.gateway.observe(spec);
    // What is held without an operation is put right from the record (protocol rule 15).
    if (state !== 'open' || target?.address !== primary?.address || target?.port !== primary?.port) return true;
    const found = await Promise.all(members.map(async ({ ref, role }) => (
      { id: ref.id, role, found: await this.engine.instances.observe(ref, AbortSignal.timeout(LOOK_TIMEOUT_MS)) })));
    return needsRecovery(found, inSync);
  }
}
