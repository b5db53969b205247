import type { Span } from './outage.js';

/** A month in UTC as the API writes it, such as `2026-11`. */
export const MONTH = /^\d{4}-(0[1-9]|1[0-2])$/;

/** From its first millisecond to the first of the next month. */
export function spanOfMonth(month: string): Span {
  const [year = 0, number = 0] = month.split('-').map(Number);
  return { fromMs: Date.UTC(year, number - 1), toMs: Date.UTC(year, number) };
}

/** The month in UTC that a moment lies in. */
export const monthAt = (atMs: number): string => new Date(atMs).toISOString().slice(0, 7);
