const FIRST_MS = 100;
const LONGEST_MS = 5_000;
/** A process that has run this long is healthy: its next death is counted as the first. */
export const HEALTHY_AFTER_MS = 30_000;

/**
 * How long to wait before a process that died is started again: at once after a single death, then twice as long each
 * time, up to five seconds.
 *
 * @param deaths how often it died in a row, this time included, each time before {@link HEALTHY_AFTER_MS}
 */
export function chooseRestartDelayMs(deaths: number): number {
  return Math.min(LONGEST_MS, FIRST_MS * 2 ** Math.max(0, deaths - 1));
}
