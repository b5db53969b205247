import type { RunningChange } from './running-change.js';

/** What a kind of operation is for, as far as other features have to tell it from the rest. */
export type Purpose = 'failover' | 'restore' | 'deletion';

/**
 * What a kind of operation means to everybody else, so that nobody has to know it by name. All of it is about the subject of
 * an exclusive operation, for as long as that runs; a kind without traits leaves its subject as it is.
 *
 * A trait that ends in `From` names the step from which on something is so, up to the last step of an operation that goes
 * well: the steps below that one are only for what does not. A trait that ends in `At` lists the steps at which something is so.
 */
export interface Traits {
  readonly purpose?: Purpose;
  /** The state of the subject that people see. */
  readonly shows?: string;
  /** Why nothing may be asked of the subject's primary: it is not made yet, it is lost, or the operation ends it on purpose. */
  readonly primary?: 'not-made' | 'lost' | 'ended';
  /**
   * The step with which it begins. Before it, it has changed nothing and nobody is held up: it may wait there for hours, and
   * whatever else the subject needs may end it.
   */
  readonly beginsAt?: string;
  /** From this step on clients are cut off from the subject, if they were not before: its outage is at least that long. */
  readonly interruptsFrom?: string;
  /** The outage, if there was one, is over: the endpoint leads to the recorded primary, and only redundancy is brought back. */
  readonly reprotectsFrom?: string;
  /** It knows which standbys it rebuilds, and does not see that one more is lost. */
  readonly rebuildsFrom?: string;
  /** It only waits for others, and keeps nothing busy. */
  readonly idlesAt?: readonly string[];
  /** It waits for every standby that should follow, not only for those in sync. */
  readonly awaitsStandbysAt?: readonly string[];
  /** It waits for instances that may never come back. */
  readonly awaitsInstancesAt?: readonly string[];
  /** It waits for a backup of its subject. */
  readonly awaitsBackupAt?: readonly string[];
  /** It alone knows which instance was asked to become the primary, so that no failover may end it. */
  readonly ownsPromotionAt?: readonly string[];
}

/** What a running operation means at the step that it has reached: its traits, as they are there. */
export interface Meaning extends RunningChange, Pick<Traits, 'purpose' | 'shows' | 'primary'> {
  readonly hasBegun: boolean;
  readonly reprotects: boolean;
  readonly rebuilds: boolean;
  readonly idles: boolean;
  readonly awaitsStandbys: boolean;
  readonly awaitsInstances: boolean;
  readonly awaitsBackup: boolean;
  readonly ownsPromotion: boolean;
}

/** Of a definition, what its traits are about. */
export interface TraitsOfSteps {
  readonly traits?: Traits;
  readonly exclusive: boolean;
  readonly steps: readonly { readonly name: string; readonly last?: true }[];
  readonly pointOfNoReturn?: string;
}

/** A kind of operation that nobody declared means nothing to others, but for its name. */
const UNDECLARED: TraitsOfSteps = { exclusive: true, steps: [] };

export function meaningAt({ traits = {}, steps }: TraitsOfSteps = UNDECLARED, { kind, step }: RunningChange): Meaning {
  const { purpose, shows, primary, beginsAt, reprotectsFrom, rebuildsFrom } = traits;
  const position = positionIn(steps, step);
  const isFrom = (first: string | undefined): boolean =>
    first !== undefined && position >= positionIn(steps, first) && position <= lastOf(steps);
  const isAt = (names: readonly string[] = []): boolean => names.includes(step);
  return {
    kind, step,
    ...(purpose && { purpose }), ...(shows !== undefined && { shows }), ...(primary && { primary }),
    // A step that the table does not have any more was passed by an earlier version.
    hasBegun: beginsAt === undefined || position === -1 || position >= positionIn(steps, beginsAt),
    reprotects: isFrom(reprotectsFrom),
    rebuilds: isFrom(rebuildsFrom),
    idles: isAt(traits.idlesAt),
    awaitsStandbys: isAt(traits.awaitsStandbysAt),
    awaitsInstances: isAt(traits.awaitsInstancesAt),
    awaitsBackup: isAt(traits.awaitsBackupAt),
    ownsPromotion: isAt(traits.ownsPromotionAt),
  };
}

/** Whether an operation that brings the database back may end this one: it has not begun, or its rest is asked for again later. */
export const givesWay = ({ hasBegun, reprotects }: Meaning): boolean => !hasBegun || reprotects;

/** What is wrong with the traits of a definition; empty if they are well formed. */
export function findTraitFaults({ traits = {}, exclusive, steps, pointOfNoReturn }: TraitsOfSteps): string[] {
  const { purpose: _purpose, shows: _shows, primary: _primary, ...named } = traits;
  const faults: string[] = [];
  if (!exclusive && Object.keys(traits).length > 0) faults.push('it has traits, but others may change its subject meanwhile');
  for (const [trait, value] of Object.entries(named)) {
    const names = [value ?? []].flat();
    if (names.length === 0) faults.push(`its trait ${trait} names no step`);
    for (const name of names) if (positionIn(steps, name) === -1) faults.push(`its trait ${trait} names "${name}", which is not a step`);
    if (trait.endsWith('From') && names.some((name) => positionIn(steps, name) > lastOf(steps))) {
      faults.push(`its trait ${trait} begins after its last step`);
    }
  }
  const isBefore = (one: string | undefined, other: string | undefined): boolean =>
    one !== undefined && other !== undefined && positionIn(steps, one) < positionIn(steps, other);
  if (isBefore(pointOfNoReturn, named.beginsAt)) faults.push('it has no way back before it begins');
  if (isBefore(named.interruptsFrom, named.beginsAt)) faults.push('it interrupts before it begins');
  if (isBefore(named.reprotectsFrom, named.beginsAt)) faults.push('its outage is over before it begins');
  if (isBefore(named.reprotectsFrom, named.interruptsFrom)) faults.push('its outage is over before it interrupts');
  if (isBefore(named.rebuildsFrom, named.reprotectsFrom)) faults.push('it rebuilds before its outage is over');
  return faults;
}

type Steps = TraitsOfSteps['steps'];

const positionIn = (steps: Steps, name: string): number => steps.findIndex((step) => step.name === name);

/** The position of the step with which an operation ends that goes well. */
function lastOf(steps: Steps): number {
  const last = steps.findIndex((step) => step.last);
  return last === -1 ? steps.length - 1 : last;
}
