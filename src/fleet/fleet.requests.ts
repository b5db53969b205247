import { Injectable } from '@nestjs/common';
import type { Subject } from '../access/subject.js';
import type { Caller } from '../changes/caller.js';
import { Changes } from '../changes/changes.js';
import { FleetService, type HostDocument } from './fleet.service.js';

/** What is asked of the fleet. */
@Injectable()
export class FleetRequests {
  constructor(private readonly changes: Changes, private readonly fleet: FleetService) {}

  async listHosts(caller: Caller): Promise<HostDocument[]> {
    await this.changes.reachFor(caller, 'host.list');
    return this.fleet.hosts();
  }

  readHost(caller: Caller, id: string): Promise<HostDocument> {
    return this.changes.admitReader(caller, 'host.read', this.host(id));
  }

  /** A host, which is no customer's. */
  host(id: string): Subject<HostDocument> {
    return { id, find: () => this.fleet.host(id) };
  }

  /** The hosts of a data centre; one without any does not exist. */
  dataCenter(id: string): Subject<readonly HostDocument[]> {
    return {
      id,
      find: async () => {
        const hosts = await this.fleet.hostsOf(id);
        return hosts.length > 0 ? hosts : undefined;
      },
    };
  }
}
