import type { FoundInstance, FoundRoute } from '../engine/survey-port.js';

/** An instance as the restored metadata has it. */
export interface RecordedInstance {
  readonly id: string;
  readonly hostId: string;
  readonly role: 'primary' | 'standby';
  readonly state: string;
  readonly hostLost: boolean;
}

/** A database as the restored metadata has it, which may be older than what is. */
export interface RecordedDatabase {
  readonly id: string;
  readonly epoch: number;
  /** The timeline that its primary was on at that epoch; null if no operation has told. */
  readonly timeline: number | null;
  readonly provisioned: boolean;
  readonly members: readonly RecordedInstance[];
  /** How many instances its plan has. */
  readonly planned: number;
}

/** What was found of it. */
export interface FoundDatabase {
  readonly instances: readonly FoundInstance[];
  readonly route: FoundRoute | undefined;
  /** Standbys that stream from the instance that runs as the primary, as that says itself. */
  readonly streaming: readonly string[];
}

/**
 * - `as-recorded`: the recorded primary is the one that was found;
 * - `moved`: another instance is the primary by now;
 * - `fenced`: the primary stands fenced and nobody was promoted: a failover or a switchover was cut off, and the primary goes on;
 * - `no-primary`: every copy is a standby or fenced, and it does not tell who was the primary;
 * - `two-primaries`: two instances may be the primary; nobody but a person can say which;
 * - `no-files`: nothing of it is left: it may have been deleted since.
 */
export type Finding = 'as-recorded' | 'moved' | 'fenced' | 'no-primary' | 'two-primaries' | 'no-files';

export interface MemberDecision {
  readonly id: string;
  readonly hostId: string;
  readonly address: string;
  readonly port: number | null;
  readonly role: 'primary' | 'standby';
  readonly state: 'running' | 'fenced' | 'lost' | 'rebuilding';
}

/** What the record becomes. */
export interface Reconciliation {
  readonly finding: Finding;
  readonly primary: string | null;
  /** Members to write, known ones and new ones; those that are in neither list stay as they are. */
  readonly members: readonly MemberDecision[];
  /** Recorded members of which nothing is left, and whose place is taken. */
  readonly forgotten: readonly string[];
  readonly epoch: number;
  /** The highest token that any part of it has seen. */
  readonly seenToken: bigint;
  readonly provisioned: boolean;
  /** The verifier that the gateway lets the owner in with. */
  readonly ownerVerifier: string | null;
  /** Networks from which the gateway lets clients in. */
  readonly allowList: readonly string[] | null;
  /** Why nothing may happen to it by itself; undefined if it may. */
  readonly pause?: string;
}

/**
 * Decides what the record of a database becomes after the metadata was restored from a backup: what is found is believed,
 * what is recorded only where nothing was found (`protocol.md`, rule 15).
 */
export function reconcileDatabase(recorded: RecordedDatabase, found: FoundDatabase): Reconciliation {
  const made = found.instances.filter((instance) => instance.made);
  const election = findPrimary(made);
  const common = {
    seenToken: [...found.instances, ...(found.route ? [found.route] : [])].reduce((most, { token }) => (token > most ? token : most), 0n),
    ownerVerifier: found.route?.leads?.ownerVerifier ?? null, allowList: found.route?.leads?.allowList ?? null,
    epoch: recorded.epoch, provisioned: recorded.provisioned, members: [], forgotten: [],
  };
  if (made.length === 0) {
    const pause = 'nothing of it was found when the metadata was restored: it may have been deleted since the backup';
    return { ...common, finding: 'no-files', primary: null, ...(recorded.provisioned && { pause }) };
  }
  if (election === 'two') {
    const candidates = made.filter(mayBePrimary).map(({ id }) => id).join(', ');
    return {
      ...common, finding: 'two-primaries', primary: null,
      pause: `two instances may be its primary, which was found when the metadata was restored: ${candidates}`,
    };
  }
  if (election === 'none') {
    return {
      ...common, finding: 'no-primary', primary: null, ...decideMembers(recorded, made, undefined, found.streaming),
      pause: 'every copy of it was found to be fenced or a standby when the metadata was restored: '
        + 'promote the one that answers and has the most with freehold failover --accept-data-loss, which keeps the others aside',
    };
  }
  const isRecorded = recorded.members.some(({ id, role }) => id === election.id && role === 'primary');
  return {
    ...common, finding: election.marked ? 'fenced' : isRecorded ? 'as-recorded' : 'moved', primary: election.id,
    ...decideMembers(recorded, made, election, found.streaming),
    epoch: decideEpoch(recorded, election, isRecorded),
    provisioned: recorded.provisioned || (election.running && found.route?.leads?.open === true),
  };
}

const mayBePrimary = ({ role, marked }: FoundInstance): boolean => role === 'primary' && !marked;

/**
 * The instance that runs and is no standby. An instance that is down beside it is an earlier primary if it is on an earlier timeline;
 * on the same or a later one it may have what the other lacks.
 */
function findPrimary(made: readonly FoundInstance[]): FoundInstance | 'none' | 'two' {
  const candidates = made.filter(mayBePrimary);
  const running = candidates.filter(({ running: runs }) => runs);
  if (running.length > 1) return 'two';
  const [first] = running.length === 1 ? running : candidates;
  if (!first) return findFenced(made);
  const others = candidates.filter((candidate) => candidate !== first);
  if (running.length === 0) return others.length > 0 ? 'two' : first;
  return others.every(({ timeline }) => timeline < first.timeline) ? first : 'two';
}

/** Whoever was promoted is no standby any more: where all the others are, the fenced one has everything (`protocol.md`, rule 8). */
function findFenced(made: readonly FoundInstance[]): FoundInstance | 'none' {
  const [fenced, ...others] = made.filter(({ role }) => role === 'primary');
  return fenced && others.length === 0 ? fenced : 'none';
}

/** Each promotion begins a timeline; where it is not known which one the recorded epoch was, another primary is one promotion. */
function decideEpoch({ epoch, timeline }: RecordedDatabase, primary: FoundInstance, isRecorded: boolean): number {
  const promotions = timeline === null ? 0 : Math.max(0, primary.timeline - timeline);
  return epoch + Math.max(promotions, isRecorded ? 0 : 1);
}

function decideMembers(
  recorded: RecordedDatabase, made: readonly FoundInstance[], primary: FoundInstance | undefined, streaming: readonly string[],
): Pick<Reconciliation, 'members' | 'forgotten'> {
  const known = new Map(recorded.members.map((member) => [member.id, member]));
  const members = made.map((instance): MemberDecision => {
    const { id, hostId, address, port } = instance;
    const role = instance === primary || (!primary && known.get(id)?.role === 'primary') ? 'primary' : 'standby';
    return {
      id, hostId, address, port, role,
      state: instance === primary && !instance.marked ? 'running' : decideState(instance, known.get(id), streaming),
    };
  });
  const missing = recorded.members.filter(({ id }) => !made.some((instance) => instance.id === id));
  const isReplaced = ({ hostId }: RecordedInstance): boolean =>
    made.length >= recorded.planned || made.some((instance) => instance.hostId === hostId);
  return { members, forgotten: missing.filter((member) => !member.hostLost && isReplaced(member)).map(({ id }) => id) };
}

/** A standby is whole if it streams; else it is what it was, or it is rebuilt. */
function decideState(instance: FoundInstance, known: RecordedInstance | undefined, streaming: readonly string[]): MemberDecision['state'] {
  if (instance.marked) return 'fenced';
  if (streaming.includes(instance.id)) return 'running';
  return instance.role === 'standby' && known?.role === 'standby' && known.state === 'running' ? 'running' : 'rebuilding';
}
