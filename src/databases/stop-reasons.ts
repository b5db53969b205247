/** Why a database may not be written: it has outgrown its plan, or the disk of a host is almost full. */
export const STOP_REASONS = ['plan', 'host'] as const;
export type StopReason = (typeof STOP_REASONS)[number];

/** From this share of its plan's size on, customers and operators are warned. */
export const WARN_FROM = 0.8;
