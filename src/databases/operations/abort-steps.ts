import { EngineError } from '../../engine/errors.js';
import type { Engine } from '../../engine/ports.js';
import type { StepContext, StepOutcome } from '../../operations/definition.js';
import { type DatabaseRecord, type DatabaseRecords, type MemberRecord, primaryOf, routeTo, standbysOf } from '../database-records.js';
import { permanentFailure, type PromotionFound } from './promotion-steps.js';

type Input = { databaseId: string };

/** The way out of a failover or a switchover that promotes nobody. */
export function abortSteps<Tx, Found extends PromotionFound>(
  { engine, records }: { readonly engine: Engine; readonly records: DatabaseRecords<Tx> },
) {
  type Context = StepContext<Input, Found>;
  type Outcome = Promise<StepOutcome<Tx, Found>>;

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
    const unfencing = engine.instances.unfence(primary.ref, context);
    const obstacle = await permanentFailure(unfencing);
    // The old primary is gone for good: the operation goes on, so that a standby that comes back can be promoted.
    if (obstacle) return { outcome: 'fail', reason: `${reason}, and the old primary cannot go on: ${obstacle.message}` };
    const { postgresVersion } = await unfencing;
    await engine.gateway.open(routeTo(record), context);
    return {
      outcome: 'fail', reason, hint: 'the old primary goes on',
      record: async (tx) => {
        await records.setMember(tx, primary.ref.id, { state: 'running' });
        if (postgresVersion !== undefined) await records.setPostgresVersion(tx, context.input.databaseId, postgresVersion);
      },
    };
  }

  /** Returns to the abort once the recorded primary is the only primary; until then an alert tells operators. */
  async function hold(context: Context): Outcome {
    const [promoted] = await promotedAmong(await records.read(context.input.databaseId), context);
    if (!promoted) return { outcome: 'next', to: 'abort' };
    const { ref } = promoted;
    throw new EngineError(
      'transient', `instance ${ref.id} on host ${ref.host} was promoted by hand: the old primary is not started beside it`,
      'keep what was written there, then end it and move its data directory away; the old primary goes on by itself',
    );
  }

  /**
   * The instances that are primaries on disk and may start, other than the recorded primary. The candidate must tell; a fault of
   * another instance is no reason to stay down.
   */
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

  return { abort, hold };
}
