import { UnknownPlanError } from './fleet-errors.js';
import { isPlanId, type Plan, PLAN_IDS, PLANS } from './plans.js';

/** @throws UnknownPlanError */
export function requirePlan(id: string): Plan {
  if (!isPlanId(id)) throw new UnknownPlanError(id, PLAN_IDS);
  return PLANS[id];
}
