/** What a customer buys: the size of each instance, and how many standbys follow the primary. */
export interface Plan {
  readonly id: PlanId;
  readonly name: string;
  readonly standbys: number;
  /** Memory of each instance, in MiB. */
  readonly memoryMb: number;
  /** Sessions that the customer may hold at once. */
  readonly maxConnections: number;
  /**
   * Data of each instance, in GiB: a database that takes more is read-only. WAL and temporary files have limits of their own,
   * which are made of it.
   */
  readonly diskGb: number;
  /** Databases of this plan that one customer may have. */
  readonly databasesPerCustomer: number;
}

export const PLAN_IDS = ['starter', 'standard', 'business'] as const;
export type PlanId = (typeof PLAN_IDS)[number];
export const DEFAULT_PLAN: PlanId = 'starter';

export const PLANS: Readonly<Record<PlanId, Plan>> = {
  starter: { id: 'starter', name: 'Starter', standbys: 1, memoryMb: 256, maxConnections: 50, diskGb: 10, databasesPerCustomer: 100 },
  standard: { id: 'standard', name: 'Standard', standbys: 1, memoryMb: 1_024, maxConnections: 100, diskGb: 50, databasesPerCustomer: 50 },
  business: { id: 'business', name: 'Business', standbys: 2, memoryMb: 4_096, maxConnections: 200, diskGb: 200, databasesPerCustomer: 20 },
};

export function isPlanId(text: string): text is PlanId {
  return (PLAN_IDS as readonly string[]).includes(text);
}
