import type { Engine } from '../../engine/ports.js';
import type { Step, StepContext, StepOutcome } from '../../operations/definition.js';
import { EngineError } from '../../engine/errors.js';
import { MOST_PROMOTIONS } from '../elect-standby.js';
import { type DatabaseRecord, type DatabaseRecords, type MemberRecord, primaryOf, routeTo, standbysOf } from '../database-records.js';

/** What failover and switchover both hand from step to step. */
export interface PromotionFound {
  /** The standby that was elected. */
  readonly candidate: string;
  /** Whether it is an earlier primary that stands fenced: nothing better was left (protocol rule 12). */
  readonly revived?: boolean;
  /** How many promotions of each standby have failed. */
  readonly failedPromotions?: Readonly<Record<string, number>>;
}

type Input = { databaseId: string };

interface Parts<Tx> {
  readonly engine: Engine;
  readonly records: DatabaseRecords<Tx>;
}

/** How long an operation waits before it looks again at something that should come about by itself. */
export const LOOK_AGAIN_MS = 200;

/** The failure of something that cannot work next time either; what may pass is thrown on. */
export async function permanentFailure(attempt: Promise<unknown>): Promise<Error | undefined> {
  try {
    await attempt;
    return undefined;
  } catch (error) {
    if (error instanceof Error && 'kind' in error && error.kind === 'permanent') return error;
    throw error;
  }
}

export const memberOf = (record: DatabaseRecord, id: string | undefined): MemberRecord | undefined =>
  record.members.find(({ ref }) => ref.id === id);

/** The second half of a failover and of a switchover: from an elected standby to a redundant database, or back. */
export function promotionSteps<Tx>({ engine, records }: Parts<Tx>, { otherwise }: { /** Where it goes on when the candidate was not promoted. */ readonly otherwise: string }) {
  type Context = StepContext<Input, PromotionFound>;
  type Outcome = Promise<StepOutcome<Tx, PromotionFound>>;

  /** One transaction records the new primary, the epoch and that nothing is in sync; no route leads there before (protocol rule 9). */
  async function promote(context: Context): Outcome {
    const record = await records.read(context.input.databaseId);
    const candidate = memberOf(record, context.found.candidate);
    if (!candidate) return { outcome: 'next', to: otherwise };
    // An earlier primary is the primary that it was as soon as its mark is lifted.
    const seen = await (context.found.revived ? engine.instances.unfence(candidate.ref, context) : engine.instances.promote(candidate.ref, context));
    return {
      outcome: 'next', to: 'route',
      detail: { promoted: candidate.ref.id, host: candidate.ref.host, timeline: seen.timeline, epoch: record.epoch + 1 },
      record: (tx) => records.setPromoted(tx, context.input.databaseId, candidate.ref.id),
    };
  }

  /**
   * The promotion did not answer: it may have happened, or still happen. The token on the candidate stops what is
   * asleep, and its role says whether to go forward or to elect again (protocol rule 7).
   *
   * One that was promoted and still does not get up is given up: fenced, it cannot get up later either.
   */
  async function checkCandidate(context: Context): Outcome {
    const candidate = memberOf(await records.read(context.input.databaseId), context.found.candidate);
    if (!candidate) return { outcome: 'next', to: otherwise };
    const { id } = candidate.ref;
    const failures = (context.found.failedPromotions?.[id] ?? 0) + 1;
    const found = { failedPromotions: { ...context.found.failedPromotions, [id]: failures } };
    const seen = await engine.instances.claim(candidate.ref, context);
    const isPromoted = seen.role === 'primary' && !seen.marked;
    if (isPromoted && (failures < MOST_PROMOTIONS || seen.process === 'running')) return { outcome: 'next', to: 'promote', found };
    if (isPromoted) await engine.instances.fence(candidate.ref, context);
    return { outcome: 'next', to: otherwise, found };
  }

  async function route(context: Context): Outcome {
    const record = await records.read(context.input.databaseId);
    await engine.gateway.open(routeTo(record), context);
    return { outcome: 'next', to: 'protect', detail: { primary: primaryOf(record).ref.host } };
  }

  /**
   * Before anything of an instance is rewound or copied, it is recorded as being rebuilt; it is neither recorded in
   * sync nor named, since a promotion emptied both (protocol rule 10).
   */
  async function protect(context: Context): Outcome {
    const record = await records.read(context.input.databaseId);
    const others = standbysOf(record).filter(({ state }) => state !== 'lost');
    if (others.length === 0) return { outcome: 'next', to: 'synchronize' };
    return {
      outcome: 'next', to: 'rebuild',
      record: async (tx) => {
        for (const { ref } of others) await records.setMember(tx, ref.id, { state: 'rebuilding' });
      },
    };
  }

  /**
   * Only the holder of the current token ends a rebuilding, by recording it (protocol rule 10). One that cannot be
   * rebuilt now does not keep the others from counting again.
   */
  async function rebuild(context: Context): Outcome {
    const record = await records.read(context.input.databaseId);
    const primary = primaryOf(record).ref;
    const rebuilding = standbysOf(record).filter(({ state }) => state === 'rebuilding');
    const results = await Promise.allSettled(rebuilding.map(async ({ ref }) => ({ ref, seen: await engine.instances.rejoin(ref, primary, context) })));
    const rejoined = results.flatMap((result) => (result.status === 'fulfilled' ? [result.value] : []));
    for (const result of results) if (result.status === 'rejected' && rejoined.length === 0) throw result.reason;
    return {
      outcome: 'next', to: 'synchronize', detail: { rejoined: rejoined.map(({ ref, seen }) => ({ host: ref.host, how: seen.how })) },
      record: async (tx) => {
        for (const { ref, seen } of rejoined) await records.setMember(tx, ref.id, { state: 'running', ...(seen.port !== undefined && { port: seen.port }) });
      },
    };
  }

  /**
   * Nobody is promoted: the old primary goes on. From the moment at which this step was taken nothing else can be; the
   * candidate is asked under its token whether it was promoted after all (protocol rule 8), and so is every other
   * instance, because somebody may have promoted it by hand meanwhile: two primaries are worse than none.
   */
  async function abort(context: Context): Outcome {
    const record = await records.read(context.input.databaseId);
    const promoted = await promotedAmong(record, context);
    if (promoted.some(({ ref }) => ref.id === context.found.candidate)) return { outcome: 'next', to: 'promote' };
    if (promoted.length > 0) return { outcome: 'next', to: 'hold', detail: { promotedByHand: promoted.map(({ ref }) => ref.host) } };
    const primary = primaryOf(record);
    const reason = context.failure?.reason ?? 'no standby could be promoted';
    const obstacle = await permanentFailure(engine.instances.unfence(primary.ref, context));
    // The way back is gone for good: nobody waits here for it, so that a standby that comes back can be promoted.
    if (obstacle) return { outcome: 'fail', reason: `${reason}, and the old primary cannot go on: ${obstacle.message}` };
    await engine.gateway.open(routeTo(record), context);
    return {
      outcome: 'fail', reason, hint: 'the old primary goes on',
      record: (tx) => records.setMember(tx, primary.ref.id, { state: 'running' }),
    };
  }

  /** Goes back as soon as nobody is a primary but the recorded one; until then an operator is told. */
  async function hold(context: Context): Outcome {
    const [promoted] = await promotedAmong(await records.read(context.input.databaseId), context);
    if (!promoted) return { outcome: 'next', to: 'abort' };
    const { ref } = promoted;
    throw new EngineError(
      'transient', `instance ${ref.id} on host ${ref.host} was promoted by hand: the old primary is not started beside it`,
      'keep what was written there, then end it and move its data directory away; the old primary goes on by itself',
    );
  }

  /** The instances that are primaries on disk and may start, other than the recorded primary. The candidate must tell; what hinders the others is no reason to stay down. */
  async function promotedAmong(record: DatabaseRecord, context: Context): Promise<MemberRecord[]> {
    const claims = standbysOf(record).map(async (member) => {
      try {
        const { role, marked } = await engine.instances.claim(member.ref, context);
        return role === 'primary' && !marked ? [member] : [];
      } catch (error) {
        const mayPass = error instanceof EngineError && error.kind !== 'superseded' && member.ref.id !== context.found.candidate;
        if (mayPass) return [];
        throw error;
      }
    });
    return (await Promise.all(claims)).flat();
  }

  return { promote, checkCandidate, route, protect, rebuild, abort, hold };
}

type Runs<Tx, Input, Found> = Readonly<Record<'route' | 'protect' | 'rebuild' | 'synchronize' | 'widen' | 'checkCandidate' | 'abort' | 'hold', Step<Tx, Input, Found>['run']>>;

/** The rows that a failover and a switchover have in common: from the route to the end, and the ways out of a promotion that fails. */
export function promotionTail<Tx, Input, Found>(
  run: Runs<Tx, Input, Found>, { abortFails }: { /** Where it goes on when the old primary cannot be brought back. */ readonly abortFails: string },
): Step<Tx, Input, Found>[] {
  return [
    { name: 'route', does: 'move the endpoint; the outage ends here', timeoutMs: 10_000, attempts: 5, onFailure: 'persist', run: run.route },
    { name: 'protect', does: 'record which instances are rebuilt', timeoutMs: 5_000, attempts: 5, onFailure: 'persist', run: run.protect },
    ...redundancySteps(run),
    { name: 'check-candidate', does: 'see whether a promotion that did not answer has happened', timeoutMs: 5_000, attempts: 5, onFailure: 'persist', run: run.checkCandidate },
    { name: 'abort', does: 'let the old primary go on', timeoutMs: 30_000, attempts: 10, onFailure: { goTo: abortFails }, run: run.abort },
    { name: 'hold', does: 'wait while another instance, promoted by hand, is a primary', timeoutMs: 10_000, attempts: 1, onFailure: 'persist', run: run.hold },
  ];
}

/** The rows that end whatever makes a database redundant. */
export function redundancySteps<Tx, Input, Found>(run: Pick<Runs<Tx, Input, Found>, 'rebuild' | 'synchronize' | 'widen'>): Step<Tx, Input, Found>[] {
  return [
    { name: 'rebuild', does: 'make standbys of them: rewind, or copy anew', timeoutMs: 300_000, attempts: 10, onFailure: 'persist', run: run.rebuild },
    { name: 'synchronize', does: 'let commits wait for the first standby, then record it in sync', timeoutMs: 30_000, attempts: 10, onFailure: 'persist', run: run.synchronize },
    { name: 'widen', does: 'record the other standbys in sync, then let commits wait for any of them', timeoutMs: 30_000, attempts: 10, onFailure: 'persist', run: run.widen },
    { name: 'finish', does: 'redundant again', timeoutMs: 5_000, attempts: 5, onFailure: 'persist', run: () => Promise.resolve({ outcome: 'done' }) },
  ];
}
