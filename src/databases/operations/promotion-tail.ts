import type { Step } from '../../operations/definition.js';
import type { Traits } from '../../operations/traits.js';

/** The traits that {@link redundancySteps} give an operation, with a step `protect` before them. */
export const REDUNDANCY_TRAITS = { rebuildsFrom: 'protect', awaitsStandbysAt: ['synchronize', 'widen'] } satisfies Traits;

/** The traits that {@link promotionTail} gives an operation. */
export const PROMOTION_TRAITS = { ...REDUNDANCY_TRAITS, reprotectsFrom: 'protect' } satisfies Traits;

type Runs<Tx, Input, Found> = Readonly<Record<
  'route' | 'protect' | 'rebuild' | 'synchronize' | 'widen' | 'checkCandidate' | 'abort' | 'hold' | 'finish',
  Step<Tx, Input, Found>['run']
>>;

/** The rows that a failover and a switchover have in common: from the route to the end, and the ways out of a promotion that fails. */
export function promotionTail<Tx, Input, Found>(
  run: Runs<Tx, Input, Found>,
  { abortFails }: { /** Where it goes on when the old primary cannot be brought back. */ readonly abortFails: string },
): Step<Tx, Input, Found>[] {
  return [
    {
      name: 'route', does: 'move the endpoint; the outage ends here',
      timeoutMs: 10_000, attempts: 5, onFailure: 'persist', run: run.route,
    },
    { name: 'protect', does: 'record which instances are rebuilt', timeoutMs: 5_000, attempts: 5, onFailure: 'persist', run: run.protect },
    ...redundancySteps(run),
    {
      name: 'check-candidate', does: 'see whether a promotion that did not answer has happened',
      timeoutMs: 5_000, attempts: 5, onFailure: 'persist', run: run.checkCandidate,
    },
    { name: 'abort', does: 'let the old primary go on', timeoutMs: 30_000, attempts: 10, onFailure: { goTo: abortFails }, run: run.abort },
    {
      name: 'hold', does: 'wait while another instance, promoted by hand, is a primary',
      timeoutMs: 10_000, attempts: 1, onFailure: 'persist', run: run.hold,
    },
  ];
}

/** The rows that end whatever makes a database redundant. */
export function redundancySteps<Tx, Input, Found>(
  run: Pick<Runs<Tx, Input, Found>, 'rebuild' | 'synchronize' | 'widen' | 'finish'>,
): Step<Tx, Input, Found>[] {
  return [
    {
      name: 'rebuild', does: 'make standbys of them: rewind, or copy anew',
      timeoutMs: 300_000, attempts: 10, onFailure: 'persist', run: run.rebuild,
    },
    {
      name: 'synchronize', does: 'let commits wait for the first standby, then record it in sync',
      timeoutMs: 30_000, attempts: 10, onFailure: 'persist', run: run.synchronize,
    },
    {
      name: 'widen', does: 'record the other standbys in sync, then let commits wait for any of them',
      timeoutMs: 30_000, attempts: 10, onFailure: 'persist', run: run.widen,
    },
    {
      name: 'finish', does: 'redundant again: lead those who only read to the standbys in sync',
      timeoutMs: 10_000, attempts: 5, onFailure: 'persist', last: true, run: run.finish,
    },
  ];
}
