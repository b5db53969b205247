import { Injectable } from '@nestjs/common';
import { NO_SUBJECT, type Subject } from '../access/subject.js';
import type { Caller } from '../changes/caller.js';
import { type Answered, Changes } from '../changes/changes.js';
import { notFound } from '../problems/problem.js';
import type { MaintenanceWindowEntity } from './maintenance-window.entity.js';
import type { NewWindowBody, WindowDocument } from './maintenance.schemas.js';
import { MaintenanceService, type WindowSlice } from './maintenance.service.js';

/** What is asked of maintenance windows. Everybody may read them. */
@Injectable()
export class MaintenanceRequests {
  constructor(private readonly changes: Changes, private readonly maintenance: MaintenanceService) {}

  plan(caller: Caller, input: NewWindowBody): Promise<Answered<WindowDocument>> {
    return this.changes.change(caller, { action: 'maintenance-window.create', subject: NO_SUBJECT, input }, async (tx) => {
      const window = await this.maintenance.plan(tx, input, caller.actor.id);
      const { region, host, startsAt, endsAt, urgent, reason } = window;
      return { body: window, made: { id: window.id, customerId: null }, detail: { region, host, startsAt, endsAt, urgent, reason } };
    });
  }

  cancel(caller: Caller, id: string): Promise<Answered<WindowDocument>> {
    return this.changes.change(caller, { action: 'maintenance-window.cancel', subject: this.subject(id) }, async (tx, found) => {
      return { body: await this.show(await this.maintenance.cancel(tx, found)) };
    });
  }

  async read(id: string): Promise<WindowDocument> {
    const found = await this.maintenance.find(id);
    if (!found) throw notFound();
    return this.show(found);
  }

  /** Newest first. */
  async list(slice: WindowSlice): Promise<WindowDocument[]> {
    const [windows, show] = await Promise.all([this.maintenance.list(slice), this.maintenance.describer()]);
    return windows.map(show);
  }

  private async show(window: MaintenanceWindowEntity): Promise<WindowDocument> {
    return (await this.maintenance.describer())(window);
  }

  private subject(id: string): Subject<MaintenanceWindowEntity> {
    return { id, find: async () => (await this.maintenance.find(id)) ?? undefined };
  }
}
