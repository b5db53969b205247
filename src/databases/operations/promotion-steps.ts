import { reasonOf } from '../../base/reason-of.js';
import type { Engine, InstanceRef } from '../../engine/ports.js';
import type { StepContext, StepOutcome } from '../../operations/definition.js';
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

/** How long an operation waits before it looks again at something that happens without its help. */
export const LOOK_AGAIN_MS = 200;

/** How long and how often rebuilding waits for failovers of other databases: a lost host means many of them on one machine. */
const YIELD_MS = 15_000;
const YIELD_LOOK_MS = 500;

/** A failure that a retry cannot mend; any other error is thrown. */
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

interface Ways {
  /** Where it goes on when the candidate was not promoted. */
  readonly otherwise: string;
  /** Whether the promoted one may lack what another has, so that nothing is overwritten (protocol rule 12). */
  readonly keepsCopies?: (input: Input) => boolean;
}

/** The second half of a failover and of a switchover: from an elected standby to a redundant database, or back. */
export function promotionSteps<Tx>({ engine, records }: Parts<Tx>, { otherwise, keepsCopies = () => false }: Ways) {
  type Context = StepContext<Input, PromotionFound>;
  type Outcome = Promise<StepOutcome<Tx, PromotionFound>>;

  /** One transaction records the new primary, the epoch and that nothing is in sync; no route leads there before (protocol rule 9). */
  async function promote(context: Context): Outcome {
    const record = await records.read(context.input.databaseId);
    const candidate = memberOf(record, context.found.candidate);
    if (!candidate) return { outcome: 'next', to: otherwise };
    const seen = await makePrimary(engine, candidate.ref, context);
    return {
      outcome: 'next', to: 'route',
      detail: { promoted: candidate.ref.id, host: candidate.ref.host, timeline: seen.timeline, epoch: record.epoch + 1 },
      record: (tx) => records.setPromoted(tx, context.input.databaseId, candidate.ref.id, seen.postgresVersion),
    };
  }

  /**
   * The promotion did not answer: it may have happened, or still happen. The token on the candidate stops what is
   * asleep, and its role says whether to go forward or to elect again (protocol rule 7).
   *
   * A candidate that was promoted and still does not get up is given up: fenced, it cannot get up later either.
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
   * sync nor named, since a promotion emptied both (protocol rule 10). On a host that is lost nothing is rebuilt: the
   * operation that empties the host replaces its instances.
   */
  async function protect(context: Context): Outcome {
    if (context.sinceMs < YIELD_MS && (await records.othersFailOver(context.input.databaseId))) {
      return { outcome: 'wait', forMs: YIELD_LOOK_MS, reason: 'databases whose clients still wait go first' };
    }
    const record = await records.read(context.input.databaseId);
    const others = standbysOf(record).filter(({ state }) => state !== 'lost');
    const isRebuilt = others.some(({ hostLost }) => !hostLost);
    const archive = await adoptArchive(engine, primaryOf(record).ref, context);
    return {
      outcome: 'next', to: isRebuilt ? 'rebuild' : 'synchronize', ...(archive !== undefined && { detail: { archive } }),
      record: async (tx) => {
        for (const { ref, hostLost } of others) await records.setMember(tx, ref.id, { state: hostLost ? 'lost' : 'rebuilding' });
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
    const results = await Promise.allSettled(rebuilding.map(({ ref }) => rebuildOne(ref, primary, context)));
    const rejoined = results.flatMap((result) => (result.status === 'fulfilled' ? [result.value] : []));
    for (const result of results) if (result.status === 'rejected' && rejoined.length === 0) throw result.reason;
    return {
      outcome: 'next', to: 'synchronize', detail: { rejoined: rejoined.map(({ ref, seen }) => ({ host: ref.host, how: seen.how })) },
      record: async (tx) => {
        for (const { ref, seen, kept } of rejoined) {
          await records.setMember(tx, ref.id, { state: 'running', ...(seen.port !== undefined && { port: seen.port }) });
          await records.addKept(tx, ref, kept);
        }
      },
    };
  }

  async function rebuildOne(ref: InstanceRef, primary: InstanceRef, context: Context) {
    if (keepsCopies(context.input)) await engine.instances.fence(ref, context, { keep: true });
    const seen = await engine.instances.rejoin(ref, primary, context);
    return { ref, seen, kept: await engine.instances.keptCopies(ref, context.signal) };
  }

  return { promote, checkCandidate, route, protect, rebuild };
}

/** An earlier primary needs no promotion: it is a primary as soon as its mark is lifted. */
function makePrimary({ instances }: Engine, candidate: InstanceRef, context: StepContext<Input, PromotionFound>) {
  return context.found.revived ? instances.unfence(candidate, context) : instances.promote(candidate, context);
}

/** A change of the sites to archive to may hold the instance's lock for as long as a site takes to answer. */
const ADOPT_WITHIN_MS = 2_000;

/**
 * So that the archive has no hole (`design.md`, 3.3). The outage is over, and what is to be archived is still there; but
 * redundancy does not wait for an archive that cannot be mended now: a full backup follows in any case. Answers why it
 * could not be done.
 */
async function adoptArchive(
  engine: Engine, primary: InstanceRef, context: StepContext<Input, PromotionFound>,
): Promise<string | undefined> {
  const limit = new AbortController();
  const timer = setTimeout(() => limit.abort(new Error(`not done within ${ADOPT_WITHIN_MS} ms`)), ADOPT_WITHIN_MS);
  try {
    await engine.backups?.adoptArchive(primary, { ...context, signal: limit.signal });
    return undefined;
  } catch (error) {
    return reasonOf(error);
  } finally {
    clearTimeout(timer);
  }
}
