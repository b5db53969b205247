import type { EndpointProbe } from '../engine/ports.js';
import type { Observation } from './outage-tracker.js';

/** A probe of an endpoint, and what else is known. */
export interface Probe {
  readonly found: EndpointProbe;
  readonly beganAtMs: number;
  readonly endedAtMs: number;
  /** Since when probes have not been answered in time, one after the other; null if the one before was answered. */
  readonly silentSinceMs: number | null;
  /** Whether the watch of the instances sees the primary well. */
  readonly isPrimaryWell: boolean;
  /** Why customers may not write as they like, if they may not. */
  readonly writingStopped: 'plan' | 'host' | null;
}

/**
 * What a probe says of whether clients can use a database. One that was not answered in time may be the fault of a busy
 * machine: it takes two.
 */
export function judgeProbe({ found, beganAtMs, endedAtMs, silentSinceMs, isPrimaryWell, writingStopped }: Probe): Observation {
  const cause = isPrimaryWell ? 'platform' : 'host';
  const observation = { atMs: endedAtMs, sinceMs: beganAtMs, source: 'probe', cause, reason: '' } as const;
  switch (found.state) {
    case 'up':
      return { ...observation, is: 'up' };
    case 'not-equipped':
      return { ...observation, is: 'blind' };
    case 'silent':
      return silentSinceMs === null
        ? { ...observation, is: 'unclear' }
        : { ...observation, is: 'down', sinceMs: silentSinceMs, reason: 'the endpoint did not answer a client' };
    case 'refused':
      return { ...observation, is: 'down', reason: `the endpoint refused a client: ${found.reason}` };
    case 'exhausted':
      return { ...observation, is: 'down', cause: 'customer', reason: 'the customer\'s sessions have taken all that the plan has' };
    case 'read-only':
      if (writingStopped !== 'plan') return { ...observation, is: 'down', reason: writingStopped === null ? READ_ONLY : FULL_HOST };
      return { ...observation, is: 'down', cause: 'customer', reason: 'the customer\'s data fills the plan: it is read-only' };
  }
}

const READ_ONLY = 'it was read-only';
const FULL_HOST = 'the disk of its host was full: it was read-only';
