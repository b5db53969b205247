import { DomainError } from '../problems/domain-problem.js';
import './fleet.problems.js';

export class UnknownRegionError extends DomainError {
  constructor(id: string, valid: readonly string[]) {
    super('unknown-region', `there is no region "${id}"`, {
      hint: `use one of ${valid.join(', ')}`, fields: [{ field: 'region', message: `must be one of ${valid.join(', ')}` }],
    });
  }
}

export class RegionClosedError extends DomainError {
  constructor(id: string) {
    super('region-closed', `region "${id}" takes no new databases at present`, { hint: 'choose another region, or ask again later' });
  }
}

export class UnknownPlanError extends DomainError {
  constructor(id: string, valid: readonly string[]) {
    super('unknown-plan', `there is no plan "${id}"`, {
      hint: `use one of ${valid.join(', ')}`, fields: [{ field: 'plan', message: `must be one of ${valid.join(', ')}` }],
    });
  }
}

/** How soon a caller may hope for room: an operator has to free or add a host. */
const ROOM_IN_SECONDS = 300;

export class NoRoomError extends DomainError {
  constructor(region: string, plan: string, reason = 'no hosts have the memory') {
    super('no-room', `region "${region}" has no room for a database of plan "${plan}": ${reason}`, {
      hint: 'try again later; nothing was made', retryAfterSeconds: ROOM_IN_SECONDS,
    });
  }
}
