import type { SeenDatabase } from '../health/sight-feed.js';
import type { Observation } from './outage-tracker.js';

/** Whether clients can use a database, as far as the watch of its instances can tell. */
export function judgeSight({ atMs, verdict, sight, primaryId, isDataCenterSilent }: SeenDatabase): Observation {
  const observation = { atMs, source: 'watch', cause: 'host', reason: 'reason' in verdict ? verdict.reason : '' } as const;
  if (verdict.verdict === 'blind') return { ...observation, is: 'blind' };
  if (verdict.verdict === 'well') {
    const { inSync, streaming } = sight;
    const waits = inSync.length > 0 && streaming !== null && !inSync.some((id) => streaming.includes(id));
    return waits ? { ...observation, is: 'waits', reason: 'commits waited for a standby that was away' } : { ...observation, is: 'up' };
  }
  const seen = sight.instances[primaryId]?.seen ?? 'unknown';
  if (seen === 'answers' || seen === 'unknown') return { ...observation, is: 'unclear' };
  if (isDataCenterSilent) {
    return { ...observation, is: 'down', cause: 'data-center', reason: 'nothing in the data centre of the primary gave a sign of life' };
  }
  return { ...observation, is: 'down', reason: DOWN[seen] };
}

const DOWN = {
  refused: 'the primary was dead', silent: 'the primary did not answer', restarting: 'the primary recovered from a crash',
} as const;
