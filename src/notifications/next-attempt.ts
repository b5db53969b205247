/** Waits between attempts at a mail, in seconds; after the last it is given up. Together a little more than two days. */
const WAITS_SECONDS = [10, 60, 300, 900, 3_600, 7_200, 14_400, 28_800, 43_200, 86_400] as const;

/** How long after an attempt that failed the next one is made; undefined if it was the last. */
export const nextAttemptSeconds = (attempts: number): number | undefined => WAITS_SECONDS[attempts - 1];
