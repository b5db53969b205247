import type { Verdict } from './judge-primary.js';

/** What is told of a primary: once for each verdict and for each answer to who has to act. */
export interface PrimaryTrouble {
  readonly verdict: Exclude<Verdict['verdict'], 'well'>;
  readonly reason: string;
  readonly automationPaused: boolean;
}

/** What is remembered of a primary between two looks. */
export interface PrimaryAlertMemory {
  /** When it began not to be well; null while it is. */
  readonly troubledSinceMs: number | null;
  readonly wellSinceMs: number | null;
  /** What the open alert says; null if there is none, undefined if an earlier watcher may have left one. */
  readonly told: string | null | undefined;
}

export const NOTHING_TOLD: PrimaryAlertMemory = { troubledSinceMs: null, wellSinceMs: null, told: undefined };

export type PrimaryAlertStep =
  | { readonly act: 'nothing' | 'resolve' }
  | { readonly act: 'raise'; readonly told: string };

/** How long a primary may be unwell before people are told: longer than any ordinary failover or restart, and than a moment of load. */
const HOLD_MS: Readonly<Record<PrimaryTrouble['verdict'], number>> = { blind: 20_000, lost: 20_000, alone: 20_000, wait: 30_000 };
/** The same while automation is paused, so that Freehold does not act. */
const HOLD_PAUSED_MS = 3_000;
/** How long it must have been well before that is told. */
const CALM_MS = 10_000;

/** Decides whether an alert is due: it is raised and taken back only for what lasts, so that it does not flap. */
export function settlePrimaryAlert(
  memory: PrimaryAlertMemory, trouble: PrimaryTrouble | undefined, nowMs: number,
): { readonly memory: PrimaryAlertMemory; readonly step: PrimaryAlertStep } {
  if (!trouble) {
    const wellSinceMs = memory.wellSinceMs ?? nowMs;
    const isCalm = nowMs - wellSinceMs >= CALM_MS;
    const troubledSinceMs = isCalm || !memory.told ? null : memory.troubledSinceMs;
    return { memory: { ...memory, troubledSinceMs, wellSinceMs }, step: { act: isCalm && memory.told !== null ? 'resolve' : 'nothing' } };
  }
  const troubledSinceMs = memory.troubledSinceMs ?? nowMs;
  const isCertain = trouble.verdict !== 'wait' && trouble.verdict !== 'blind';
  const holdMs = trouble.automationPaused && isCertain ? HOLD_PAUSED_MS : HOLD_MS[trouble.verdict];
  const told = `${trouble.verdict} ${trouble.automationPaused ? 'paused' : 'active'}`;
  // The verdict `wait` after a worse one raises no new alert: the open one already says more.
  const isDue = nowMs - troubledSinceMs >= holdMs && memory.told !== told && !(memory.told && trouble.verdict === 'wait');
  return { memory: { ...memory, troubledSinceMs, wellSinceMs: null }, step: isDue ? { act: 'raise', told } : { act: 'nothing' } };
}

/** What an operator has to do about it. */
export function advise(
  { verdict, reason, automationPaused }: PrimaryTrouble,
): { readonly action: 'required' | 'none'; readonly advice: string } {
  if (verdict === 'blind') {
    return {
      action: 'required',
      advice: 'nothing fails over until the watcher sees again: look at the network between the worker and the hosts, and at their load',
    };
  }
  if (automationPaused) {
    return { action: 'required', advice: 'automation is paused, so that nobody acts: resume it, or ask for a failover' };
  }
  if (verdict !== 'wait') {
    return {
      action: 'none',
      advice: 'Freehold fails over or starts the primary again by itself; if this stays, look at the newest operation of the database',
    };
  }
  return reason.includes('restarting')
    ? { action: 'none', advice: 'PostgreSQL recovers from a crash by itself; its log on the host tells how far it is' }
    : { action: 'required', advice: 'look at the hosts of its instances: nothing is done until one of them tells more' };
}
