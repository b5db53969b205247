import { z } from 'zod';
import type { Engine, InstanceObservation } from '../../engine/ports.js';
import type { OperationDefinition, StepContext, StepOutcome } from '../../operations/definition.js';
import { givesWay } from '../../operations/traits.js';
import { permanentFailure } from './promotion-steps.js';
import { type DatabaseRecords, type MemberRecord, primaryOf, routeTo, standbysOf } from '../database-records.js';
import type { DatabaseState } from '../derive-state.js';

/**
 * Brings a database's instances back where they are: after a crash or a reboot of their machine.
 *
 * Invariants:
 * - it believes what it observes, not what is recorded, and starts only what is not marked (protocol rules 11 and 13);
 * - it changes no role: the recorded primary comes back as the primary, the standbys as standbys;
 * - an instance that is being rebuilt stays so: only the operation that rebuilds it records that it is whole (protocol rule 10);
 * - standbys are up before the route opens.
 */
export const RECOVER = 'recover';

const inputSchema = z.strictObject({ databaseId: z.string() });
type Input = z.output<typeof inputSchema>;

interface Parts<Tx> {
  readonly engine: Engine;
  readonly records: DatabaseRecords<Tx>;
}

export function recoverOperation<Tx>(parts: Parts<Tx>): OperationDefinition<Tx, Input> {
  const step = steps(parts);
  return {
    kind: RECOVER,
    does: 'starts a database again where it is',
    input: inputSchema,
    exclusive: true,
    queue: 'changes',
    deadlineMs: 10 * 60_000,
    // Nothing can be made redundant while the primary is down.
    preempts: givesWay,
    pointOfNoReturn: 'start-standbys',
    // It is asked for only where the primary is down, and ends once the endpoint leads to it again.
    traits: {
      shows: 'unavailable' satisfies DatabaseState, primary: 'lost',
      awaitsInstancesAt: ['start-standbys', 'start-primary', 'equip', 'route'],
    },
    steps: [
      {
        name: 'start-standbys', does: 'start the standbys that are down',
        timeoutMs: 60_000, attempts: 5, onFailure: { goTo: 'start-primary' }, run: step.startStandbys,
      },
      {
        name: 'start-primary', does: 'start the recorded primary if it is down',
        timeoutMs: 120_000, attempts: 5, onFailure: 'persist', run: step.startPrimary,
      },
      {
        name: 'equip', does: 'give the instances what this version\'s endpoint needs of them',
        timeoutMs: 30_000, attempts: 5, onFailure: 'persist', run: step.equip,
      },
      { name: 'route', does: 'open the endpoint', timeoutMs: 20_000, attempts: 5, onFailure: 'persist', run: step.route },
    ],
  };
}

function steps<Tx>({ engine, records }: Parts<Tx>) {
  type Context = StepContext<Input>;
  type Outcome = Promise<StepOutcome<Tx>>;

  async function startStandbys(context: Context): Outcome {
    const record = await records.read(context.input.databaseId);
    const whole = standbysOf(record).filter(({ state }) => state === 'running');
    const started = await Promise.all(whole.map((member) => startIfDown(member, context)));
    return { outcome: 'next', ...summary(started) };
  }

  async function startPrimary(context: Context): Outcome {
    const record = await records.read(context.input.databaseId);
    const { ref } = primaryOf(record);
    const seen = await engine.instances.observe(ref, context.signal);
    if (seen.marked) return { outcome: 'next' };
    if (seen.process === 'running') return { outcome: 'next', record: (tx) => setVersion(tx, seen, context) };
    const starting = engine.instances.start(ref, context);
    const obstacle = await permanentFailure(starting);
    // If the primary can never start again and a standby in sync exists, the recovery ends, so that a failover can follow.
    if (obstacle && record.inSync.length === 0) throw obstacle;
    if (obstacle) {
      return {
        outcome: 'fail', reason: `the primary cannot be started: ${obstacle.message}`,
        hint: 'a standby in sync takes its place once it answers',
      };
    }
    const started = await starting;
    const { detail, record: recordStarted } = summary([primaryOf(record)]);
    return {
      outcome: 'next', detail,
      record: async (tx) => {
        await recordStarted(tx);
        await setVersion(tx, started, context);
      },
    };
  }

  /** The standbys first: from then on they follow the primary's changes. */
  async function equip(context: Context): Outcome {
    const record = await records.read(context.input.databaseId);
    for (const { ref, state, hostLost } of [...standbysOf(record), primaryOf(record)]) {
      if (state === 'running' && !hostLost) await engine.instances.equip(ref, context);
    }
    return { outcome: 'next' };
  }

  async function route(context: Context): Outcome {
    await engine.gateway.open(routeTo(await records.read(context.input.databaseId)), context);
    return { outcome: 'done' };
  }

  async function startIfDown(member: MemberRecord, context: Context): Promise<MemberRecord | undefined> {
    const seen = await engine.instances.observe(member.ref, context.signal);
    if (seen.process === 'running' || seen.marked) return undefined;
    await engine.instances.start(member.ref, context);
    return member;
  }

  /** A started primary runs the programs that are installed now, which may be of a later minor version. */
  async function setVersion(tx: Tx, { postgresVersion }: InstanceObservation, { input }: Context): Promise<void> {
    if (postgresVersion !== undefined) await records.setPostgresVersion(tx, input.databaseId, postgresVersion);
  }

  function summary(started: readonly (MemberRecord | undefined)[]) {
    const members = started.filter((member) => member !== undefined);
    return {
      detail: { started: members.map(({ ref }) => ref.host) },
      record: async (tx: Tx): Promise<void> => {
        for (const { ref } of members) await records.setMember(tx, ref.id, { state: 'running' });
      },
    };
  }

  return { startStandbys, startPrimary, equip, route };
}
