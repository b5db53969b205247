import { Injectable } from '@nestjs/common';
import type { Caller } from '../changes/caller.js';
import { Changes } from '../changes/changes.js';
import { CustomersService } from '../customers/customers.service.js';
import { DatabaseRequests } from '../databases/database.requests.js';
import { FleetService } from '../fleet/fleet.service.js';
import type { Slice } from '../metadata/slice.js';
import { ProblemError } from '../problems/problem.js';
import { monthAt, spanOfMonth } from './month.js';
import type { OutageDocument, OutageQuery, SlaReport, UptimeDocument, UptimeQuery } from './uptime.schemas.js';
import { UptimeService } from './uptime.service.js';

/** A report holds no more outages than that: each of them costs memory, and a month with more has other troubles. */
const MOST_OUTAGES = 5_000;

/** What is asked of uptime and outages. */
@Injectable()
export class UptimeRequests {
  constructor(
    private readonly changes: Changes,
    private readonly uptime: UptimeService,
    private readonly databases: DatabaseRequests,
    private readonly customers: CustomersService,
    private readonly fleet: FleetService,
  ) {}

  /** @param caller undefined for somebody without a credential, who may ask for the platform and its regions alone */
  async read(caller: Caller | undefined, { month = monthAt(Date.now()), databaseId, region }: UptimeQuery): Promise<UptimeDocument> {
    if (databaseId !== undefined) {
      if (!caller) throw new ProblemError('missing-api-key', 'the uptime of a database needs an API key that can see it');
      await this.changes.admitReader(caller, 'uptime.read', this.databases.owned(databaseId));
      return this.uptime.read({ databaseId }, month);
    }
    if (region === undefined) return this.uptime.read('platform', month);
    await this.requireRegion(region);
    return this.uptime.read({ region }, month);
  }

  async listOutages(caller: Caller, { month, region, ...filter }: OutageQuery, slice: Slice): Promise<OutageDocument[]> {
    const reach = await this.changes.reachFor(caller, 'outage.list');
    if (filter.databaseId !== undefined) await this.changes.admitReader(caller, 'outage.list', this.databases.owned(filter.databaseId));
    if (region !== undefined) await this.requireRegion(region);
    return this.uptime.listOutages(reach, { ...filter, region, ...(month !== undefined && { span: spanOfMonth(month) }), ...slice });
  }

  async report(caller: Caller, customerId: string, month = monthAt(Date.now())): Promise<SlaReport> {
    const customer = await this.changes.admitReader(caller, 'sla-report.read', {
      id: customerId, find: (reach) => this.customers.find(reach, customerId), ownerOf: ({ id }) => id,
    });
    const span = spanOfMonth(month);
    const [platform, databases, outages] = await Promise.all([
      this.uptime.read('platform', month),
      this.uptime.databasesOf(customerId, span),
      this.uptime.listOutages({ sees: 'customer', customerId }, { span, limit: MOST_OUTAGES }),
    ]);
    return {
      customer: { id: customer.id, name: customer.name }, month, from: platform.from, to: platform.to,
      generatedAt: new Date().toISOString(), platform,
      databases: await Promise.all(databases.map(async (database) => (
        { ...database, uptime: await this.uptime.read({ databaseId: database.id }, month) }))),
      outages: outages.sort((one, other) => one.startedAt.localeCompare(other.startedAt)),
    };
  }

  /** @throws ProblemError `invalid-request` that names the regions that there are */
  private async requireRegion(id: string): Promise<void> {
    const regions = (await this.fleet.regions()).map((region) => region.id);
    if (regions.includes(id)) return;
    const message = `must be one of ${regions.join(', ')}`;
    throw new ProblemError('invalid-request', `region ${message}`, { fields: [{ field: 'region', message }] });
  }
}
