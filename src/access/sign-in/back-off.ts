/** How many attempts may fail before the next has to wait, and for how long at most. */
export interface BackOffRule {
  readonly free: number;
  readonly longestSeconds: number;
}

/** How long after that many attempts in a row, of which none succeeded, another one is refused, in seconds: it doubles each time. */
export function backOffSeconds(attempts: number, { free, longestSeconds }: BackOffRule): number {
  if (attempts <= free) return 0;
  return Math.min(longestSeconds, 2 ** Math.min(attempts - free - 1, 30));
}
