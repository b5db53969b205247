import { Injectable } from '@nestjs/common';
import { InjectRepository } from '@nestjs/typeorm';
import { type EntityManager, IsNull, LessThan, LessThanOrEqual, MoreThan, Not, type FindOptionsWhere, type Repository } from 'typeorm';
import { FleetService } from '../fleet/fleet.service.js';
import type { RegionEntity } from '../fleet/region.entity.js';
import { newId } from '../metadata/ids.js';
import type { Slice } from '../metadata/slice.js';
import { ProblemError } from '../problems/problem.js';
import { type AskedWindow, judgeWindow, nearestAllowed, type WindowFacts } from './judge-window.js';
import { MaintenanceWindowEntity } from './maintenance-window.entity.js';
import type { NewWindowBody, WindowDocument, WindowState } from './maintenance.schemas.js';
import type { Stretch } from './window-rules.js';

/** What a list of windows is narrowed to. */
export interface WindowSlice extends Slice {
  readonly region?: string | undefined;
  readonly state?: WindowState | undefined;
}

/** Windows in which operators may interrupt. */
@Injectable()
export class MaintenanceService {
  constructor(
    @InjectRepository(MaintenanceWindowEntity) private readonly windows: Repository<MaintenanceWindowEntity>,
    private readonly fleet: FleetService,
  ) {}

  /** @throws ProblemError `unknown-region`, `unknown-host`, `window-not-allowed` with the nearest times that are allowed */
  async plan(tx: EntityManager, body: NewWindowBody, createdBy: string): Promise<WindowDocument> {
    const region = await this.hold(tx, body);
    const { urgent, reason = null } = body;
    const [startsAt, endsAt] = [new Date(body.startsAt), new Date(body.endsAt)];
    const now = new Date();
    requireAllowed({ startsAt, endsAt, urgent, reason }, { zone: region.timeZone, now, others: await this.othersOf(tx, region.id) });
    const window = this.windows.create({
      id: newId('maintenanceWindow'), regionId: region.id, hostId: body.host ?? null, startsAt, endsAt, reason, urgent, createdBy,
      createdAt: now, cancelledAt: null,
    });
    await tx.withRepository(this.windows).insert(window);
    return describe(window, region.timeZone, now);
  }

  find(id: string): Promise<MaintenanceWindowEntity | null> {
    return this.windows.findOneBy({ id });
  }

  /** Newest first. */
  list({ before, limit, region, state }: WindowSlice): Promise<MaintenanceWindowEntity[]> {
    const where = {
      ...(before !== undefined && { id: LessThan(before) }), ...(region !== undefined && { regionId: region }),
      ...(state !== undefined && inState(state, new Date())),
    };
    return this.windows.find({ where, order: { id: 'DESC' }, take: limit });
  }

  /** Calls a window off: one that runs ends now. One that was called off stays as it is. @throws ProblemError `window-over` */
  async cancel(tx: EntityManager, { id }: MaintenanceWindowEntity): Promise<MaintenanceWindowEntity> {
    const windows = tx.withRepository(this.windows);
    const window = await windows.findOneOrFail({ where: { id }, lock: { mode: 'pessimistic_write' } });
    const now = new Date();
    const state = stateOf(window, now);
    if (state === 'ended') throw new ProblemError('window-over', `the window ended at ${window.endsAt.toISOString()}`);
    if (state === 'cancelled') return window;
    window.cancelledAt = now;
    await windows.update({ id }, { cancelledAt: now });
    return window;
  }

  /** What makes of a window what people are shown at this moment. */
  async describer(): Promise<(window: MaintenanceWindowEntity) => WindowDocument> {
    const zones = new Map((await this.fleet.regions()).map(({ id, timeZone }) => [id, timeZone]));
    const now = new Date();
    return (window) => describe(window, zones.get(window.regionId) ?? 'UTC', now);
  }

  /** Locks the region, so that two windows do not both take the same time. @throws ProblemError `unknown-region`, `unknown-host` */
  private async hold(tx: EntityManager, { region, host }: NewWindowBody): Promise<RegionEntity> {
    const found = host ? await this.fleet.host(host) : undefined;
    if (host && (!found || (region !== undefined && region !== found.region))) {
      throw new ProblemError('unknown-host', `there is no host "${host}"${region === undefined ? '' : ` in ${region}`}`, {
        fields: [{ field: 'host', message: 'must be the id of a host of the region' }],
      });
    }
    return this.fleet.holdRegion(tx, found?.region ?? region ?? '');
  }

  private async othersOf(tx: EntityManager, regionId: string): Promise<Stretch[]> {
    return tx.withRepository(this.windows).find({ where: { regionId, cancelledAt: IsNull() }, order: { startsAt: 'ASC' } });
  }
}

function requireAllowed(asked: AskedWindow, facts: WindowFacts): void {
  const faults = judgeWindow(asked, facts);
  if (faults.length === 0) return;
  const nearest = nearestAllowed(asked, facts)
    .map(({ startsAt, endsAt }) => ({ startsAt: startsAt.toISOString(), endsAt: endsAt.toISOString() }));
  throw new ProblemError('window-not-allowed', 'the service level does not allow maintenance then', {
    fields: faults, extensions: { nearest },
    hint: nearest.length === 0 ? 'ask for another time' : `allowed is ${nearest.map(({ startsAt }) => startsAt).join(' or ')}`,
  });
}

function stateOf({ startsAt, endsAt, cancelledAt }: MaintenanceWindowEntity, now: Date): WindowState {
  if (cancelledAt !== null) return 'cancelled';
  if (now < startsAt) return 'planned';
  return now < endsAt ? 'running' : 'ended';
}

/** {@link stateOf} as a condition. */
function inState(state: WindowState, now: Date): FindOptionsWhere<MaintenanceWindowEntity> {
  const conditions: Record<WindowState, FindOptionsWhere<MaintenanceWindowEntity>> = {
    planned: { startsAt: MoreThan(now) }, running: { startsAt: LessThanOrEqual(now), endsAt: MoreThan(now) },
    ended: { endsAt: LessThanOrEqual(now) }, cancelled: {},
  };
  return { ...conditions[state], cancelledAt: state === 'cancelled' ? Not(IsNull()) : IsNull() };
}

function describe(window: MaintenanceWindowEntity, timeZone: string, now: Date): WindowDocument {
  const { id, regionId, hostId, startsAt, endsAt, reason, urgent, createdAt, cancelledAt } = window;
  return {
    id, region: regionId, host: hostId, startsAt: startsAt.toISOString(), endsAt: endsAt.toISOString(), timeZone,
    state: stateOf(window, now), urgent, reason, createdAt: createdAt.toISOString(), cancelledAt: cancelledAt?.toISOString() ?? null,
  };
}
