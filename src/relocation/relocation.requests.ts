import { Injectable } from '@nestjs/common';
import type { Subject } from '../access/subject.js';
import { askerOf, type Caller } from '../changes/caller.js';
import { type Answered, Changes } from '../changes/changes.js';
import type { OperationAnswer } from '../databases/database.requests.js';
import { FleetRequests } from '../fleet/fleet.requests.js';
import type { HostDocument } from '../fleet/fleet.service.js';
import { notFound } from '../problems/problem.js';
import { type MovePlan, RelocationService, type Vacating } from './relocation.service.js';

/** Why hosts are emptied, and what may be done to empty them. */
export type Vacate = Pick<Vacating, 'state' | 'acceptDataLoss' | 'endTransactionsAfterMinutes'>;

/** What is asked of hosts and data centres that are to be emptied. */
@Injectable()
export class RelocationRequests {
  constructor(
    private readonly changes: Changes,
    private readonly fleet: FleetRequests,
    private readonly relocation: RelocationService,
  ) {}

  vacateHost(caller: Caller, id: string, how: Vacate): Promise<Answered<OperationAnswer>> {
    return this.vacate(caller, this.host(id), how);
  }

  vacateDataCenter(caller: Caller, id: string, how: Vacate): Promise<Answered<OperationAnswer>> {
    return this.vacate(caller, this.fleet.dataCenter(id), how);
  }

  /** What would move; nothing does. */
  planHost(caller: Caller, id: string, how: Vacate): Promise<MovePlan> {
    return this.plan(caller, this.host(id), how);
  }

  /** The same of a data centre. */
  planDataCenter(caller: Caller, id: string, how: Vacate): Promise<MovePlan> {
    return this.plan(caller, this.fleet.dataCenter(id), how);
  }

  /** Takes a drain back. */
  undrain(caller: Caller, id: string): Promise<Answered<HostDocument>> {
    return this.changes.change(caller, { action: 'host.undrain', subject: this.fleet.host(id) }, async (tx) => {
      const host = await this.relocation.undrain(tx, id);
      if (!host) throw notFound();
      return { body: host };
    });
  }

  private vacate(caller: Caller, subject: Subject<readonly HostDocument[]>, how: Vacate): Promise<Answered<OperationAnswer>> {
    return this.changes.change(caller, { action: `vacate.${how.state}`, subject, input: how }, async (tx, hosts) => {
      const hostIds = hosts.map(({ id }) => id);
      const operation = await this.relocation.vacate(tx, { subjectId: subject.id ?? '', hostIds, ...how }, askerOf(caller));
      const { acceptDataLoss, endTransactionsAfterMinutes } = how;
      return { body: { operation }, operation, detail: { hostIds, acceptDataLoss, endTransactionsAfterMinutes } };
    });
  }

  private async plan(caller: Caller, subject: Subject<readonly HostDocument[]>, { state }: Vacate): Promise<MovePlan> {
    const hosts = await this.changes.admitReader(caller, `vacate.${state}`, subject);
    return this.relocation.plan(hosts.map(({ id }) => id), state === 'lost');
  }

  private host(id: string): Subject<readonly HostDocument[]> {
    const { find } = this.fleet.host(id);
    return {
      id,
      find: async (reach) => {
        const host = await find(reach);
        return host && [host];
      },
    };
  }
}
