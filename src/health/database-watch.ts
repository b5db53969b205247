import type { DatabaseSight, SeenInstance } from '../databases/database-sight.js';
import type { InstanceGlimpse, InstanceRef, InstanceWatch, InstancesPort, Lsn } from '../engine/ports.js';
import type { Meaning } from '../operations/traits.js';
import { type Care, decideCare } from './decide-care.js';
import { type KnownSight, NOT_LOOKED_AT, type Sighting, takeLook, whatIsKnown } from './judge-look.js';
import { type DatabaseSigns, findSlotless, type MemberSigns } from './judge-signs.js';
import { judgePrimary, type StandbySight, type Verdict } from './judge-primary.js';
import type { Lateness } from './lateness.js';

/** How often a primary is looked at, and how long a look may take. */
export const PROBE_MS = 500;
/** Standbys are looked at less often: a closed socket tells at once, and their primary sees them too. */
const STANDBY_EVERY = 4;
/** Looks in a row without an answer that make a suspicion: with {@link PROBE_MS} a hung primary is suspected after 1.5 s. */
const MISSES_TO_SUSPECT = 3;
/** A standby that still streams from a primary that was silent for so long is right, and the watcher is blind. */
const MISSES_TO_BE_BLIND = 6;
/** What was seen longer ago is not known any more. A primary that does not answer is looked at in each round, and so are its standbys. */
const KNOWN_FOR_MS = 3 * PROBE_MS;

/** A database as its watcher needs to know it. */
export interface WatchedDatabase {
  readonly id: string;
  readonly customerId: string;
  readonly region: string;
  readonly epoch: number;
  readonly inSync: readonly string[];
  readonly automationPaused: boolean;
  /** The exclusive operation that runs, if any. */
  readonly change: Meaning | null;
  readonly members: readonly WatchedMember[];
}

export interface WatchedMember {
  readonly id: string;
  readonly role: 'primary' | 'standby';
  readonly state: string;
  readonly dataCenterId: string;
}

/** Where a database's instances are, and how far its primary has written. */
export interface WatchedStorage {
  readonly databaseId: string;
  readonly primary: InstanceRef;
  readonly hosts: readonly string[];
  readonly lsn: Lsn;
}

interface Member {
  readonly watch: InstanceWatch;
  sighting: Sighting;
}

export interface WatchFindings {
  readonly database: WatchedDatabase;
  readonly verdict: Verdict;
  readonly sight: DatabaseSight;
  readonly care: Care;
  /** Decides again, with what is recorded now. */
  readonly decide: (recorded: WatchedDatabase) => Care;
}

export interface DatabaseWatchOptions {
  readonly instances: InstancesPort;
  readonly refs: ReadonlyMap<string, InstanceRef>;
  /** Data centres of the region in which nobody gives a sign of life to this watcher. */
  readonly silentDataCenters: (region: string) => ReadonlySet<string>;
  readonly lateness: Lateness;
  readonly onFindings: (findings: WatchFindings) => void;
}

/** Watches one database: a held connection to each instance, a look at fixed times and whenever a connection closes. */
export class DatabaseWatch {
  private readonly members = new Map<string, Member>();
  private timer: NodeJS.Timeout | undefined;
  private round = 0;
  private looking = false;
  private again = false;
  private closed = false;
  private unfollowedSince: number | undefined;
  /** Standbys whose slot was lost, as the last inspection saw it, until something is done about it. */
  private slotless: readonly string[] = [];
  /** When each standby was last seen streaming from the present primary. */
  private readonly followedAt = new Map<string, number>();
  /** Since when the members have had the roles that they have. */
  private rolesSince = performance.now();
  private lookedAt = 0;

  constructor(private database: WatchedDatabase, private readonly options: DatabaseWatchOptions) {
    for (const [id, ref] of options.refs) {
      const watch = options.instances.watch(ref);
      watch.onClosed(() => void this.look(true));
      this.members.set(id, { watch, sighting: NOT_LOOKED_AT });
    }
    // At fixed times and not in rounds: how long one look takes must not put off the next.
    this.timer = setInterval(() => void this.look(false), PROBE_MS);
  }

  /** Takes the new record; its members are the same. */
  update(database: WatchedDatabase): void {
    if (database.change) this.slotless = [];
    if (database.epoch !== this.database.epoch) this.beginEpoch();
    this.database = database;
  }

  /** Forgets how long standbys were away: the old primary was none, and the others follow a new primary. */
  private beginEpoch(): void {
    this.followedAt.clear();
    this.unfollowedSince = undefined;
    this.rolesSince = performance.now();
  }

  /** When it was last judged, by `performance.now()`. */
  get judgedAt(): number {
    return this.lookedAt;
  }

  get region(): string {
    return this.database.region;
  }

  /** Data centres in which an instance gives no sign of life, and those in which one has given one at the last look. */
  dataCenters(): { readonly silent: readonly string[]; readonly alive: readonly string[] } {
    const of = (isMeant: (sighting: Sighting) => boolean): string[] =>
      this.database.members.filter(({ id }) => isMeant(this.members.get(id)?.sighting ?? NOT_LOOKED_AT))
        .map(({ dataCenterId }) => dataCenterId);
    return { silent: of(({ misses }) => misses >= MISSES_TO_SUSPECT), alive: of(({ look, misses }) => look !== null && misses === 0) };
  }

  /** The hosts of its instances in a data centre. */
  hostsIn(dataCenterId: string): readonly string[] {
    return this.database.members.filter((member) => member.dataCenterId === dataCenterId)
      .flatMap(({ id }) => this.options.refs.get(id)?.host ?? []);
  }

  /** Looks at what goes wrong slowly; undefined if the database has changed meanwhile, and roles with it. */
  async inspect(timeoutMs: number): Promise<DatabaseSigns | undefined> {
    const { database } = this;
    const members = await Promise.all(database.members.map(async ({ id, role, state }): Promise<MemberSigns> => {
      const seen = await this.members.get(id)?.watch.inspect(timeoutMs);
      return {
        instanceId: id, hostId: this.options.refs.get(id)?.host ?? '', role, state, inspection: seen?.role === role ? seen : undefined,
        awaySeconds: role === 'standby' ? this.awaySeconds(id) : undefined,
      };
    }));
    if (this.closed || this.database.epoch !== database.epoch) return undefined;
    if (!this.database.change) this.slotless = findSlotless(members);
    return { databaseId: database.id, members, underWay: database.change?.kind ?? null, automationPaused: database.automationPaused };
  }

  /** What the storage watch needs to know; undefined unless the primary has answered as a primary. */
  storage(): WatchedStorage | undefined {
    const primary = this.database.members.find(({ role }) => role === 'primary');
    const ref = primary && this.options.refs.get(primary.id);
    const { glimpse } = this.known(primary?.id);
    if (this.closed || !ref || glimpse?.sight !== 'answers' || glimpse.role !== 'primary' || glimpse.lsn === undefined) return undefined;
    return { databaseId: this.database.id, primary: ref, hosts: [...this.options.refs.values()].map(({ host }) => host), lsn: glimpse.lsn };
  }

  private awaySeconds(standbyId: string): number | undefined {
    const { glimpse } = this.known(this.database.members.find(({ role }) => role === 'primary')?.id);
    const streaming = glimpse?.standbys?.some(({ instanceId, state }) => instanceId === standbyId && state === 'streaming');
    if (streaming === undefined) return undefined;
    return streaming ? 0 : (performance.now() - (this.followedAt.get(standbyId) ?? this.rolesSince)) / 1000;
  }

  /** Looks at whom it is time to look at; at all of them when something happened or the primary does not answer. */
  private async look(urgent: boolean): Promise<void> {
    if (this.closed) return;
    if (this.looking) {
      this.again ||= urgent;
      return;
    }
    await this.lookAndJudge(async ({ members }) => {
      const primary = members.find(({ role }) => role === 'primary')?.id;
      const before = this.known(primary).sight;
      const everybody = urgent || (before !== 'silent' && before !== 'answers')
        || (before === 'answers' && this.round++ % STANDBY_EVERY === 0);
      const due = members.filter(({ role }) => everybody || role === 'primary');
      await Promise.all(due.map(({ id }) => this.lookAt(id)));
      // A silent primary is judged by what its standbys say when its answer is overdue, and not when it was asked for.
      const { sight } = this.known(primary);
      if (sight === 'silent' || (sight !== 'answers' && !everybody)) await this.lookAtStandbys();
    });
  }

  /** The looks are judged with the record from before them. */
  private async lookAndJudge(looks: (database: WatchedDatabase) => Promise<void>): Promise<void> {
    this.looking = true;
    try {
      const { database } = this;
      await looks(database);
      this.lookedAt = performance.now();
      if (!this.closed) this.judge(database);
    } finally {
      this.looking = false;
      if (this.again) {
        this.again = false;
        void this.look(true);
      }
    }
  }

  private async lookAtStandbys(): Promise<void> {
    await Promise.all(this.database.members.filter(({ role }) => role === 'standby').map(({ id }) => this.lookAt(id)));
  }

  private async lookAt(id: string): Promise<void> {
    const member = this.members.get(id);
    if (!member) return;
    const began = performance.now();
    const glimpse = await member.watch.look(PROBE_MS - 50);
    const look = { glimpse, lateMs: this.options.lateness.worstSince(began), atMs: performance.now() };
    member.sighting = takeLook(member.sighting, look, MISSES_TO_SUSPECT);
  }

  private known(
    id: string | undefined,
  ): { readonly sight: KnownSight; readonly glimpse: InstanceGlimpse | undefined; readonly misses: number } {
    const sighting = (id === undefined ? undefined : this.members.get(id)?.sighting) ?? NOT_LOOKED_AT;
    return { ...whatIsKnown(sighting, performance.now(), KNOWN_FOR_MS), misses: sighting.misses };
  }

  private judge(database: WatchedDatabase): void {
    const primary = database.members.find(({ role }) => role === 'primary');
    if (!primary) return;
    const seen = this.known(primary.id);
    const standbys = database.members.filter(({ role }) => role === 'standby').map(({ id }): StandbySight => {
      const { sight, misses, glimpse } = this.known(id);
      return { instanceId: id, sight, misses, receiving: sight === 'answers' ? glimpse?.receiving : undefined };
    });
    const verdict = judgePrimary({
      primary: { instanceId: primary.id, sight: seen.sight, misses: seen.misses }, standbys,
      silentDataCenters: this.options.silentDataCenters(database.region), missesToSuspect: MISSES_TO_SUSPECT,
    });
    const expected = database.members.filter(({ role, state }) => role === 'standby' && state !== 'lost').map(({ id }) => id);
    const streaming = seen.glimpse?.standbys?.filter(({ state }) => state === 'streaming').map(({ instanceId }) => instanceId);
    if (this.database.epoch === database.epoch) this.noteFollowing(streaming, expected);
    const unfollowedMs = this.unfollowedSince === undefined ? 0 : performance.now() - this.unfollowedSince;
    const decide = (recorded: WatchedDatabase): Care => {
      // What was seen belongs to the primary of its epoch.
      if (recorded.epoch !== database.epoch) return { ask: 'nothing' };
      const { change, automationPaused, inSync } = recorded;
      return decideCare({ verdict, change, automationPaused, inSync, expected, streaming, slotless: this.slotless, unfollowedMs });
    };
    this.options.onFindings({ database, verdict, sight: this.sightOf(database, verdict, streaming), care: decide(database), decide });
    if (verdict.verdict === 'wait' && seen.sight === 'refused') this.lookAgainSoon();
    if (verdict.verdict !== 'lost' && seen.misses >= MISSES_TO_SUSPECT && seen.misses < MISSES_TO_BE_BLIND) this.confirmSoon();
  }

  /** The sight that people are shown; a watcher that cannot trust its looks shows nothing. */
  private sightOf(database: WatchedDatabase, { verdict }: Verdict, streaming: readonly string[] | undefined): DatabaseSight {
    const { epoch, inSync, members } = database;
    const seen = (id: string): SeenInstance => (verdict === 'blind' ? 'unknown' : this.members.get(id)?.sighting.seen ?? 'unknown');
    return {
      epoch, inSync, instances: Object.fromEntries(members.map(({ id, state }) => [id, { state, seen: seen(id) }])),
      streaming: streaming ?? null,
    };
  }

  /** Without an answer from the primary nothing is known of its standbys, and none counts as away. */
  private noteFollowing(streaming: readonly string[] | undefined, expected: readonly string[]): void {
    if (!streaming) return;
    for (const id of streaming) this.followedAt.set(id, performance.now());
    this.unfollowedSince = expected.every((id) => streaming.includes(id)) ? undefined : this.unfollowedSince ?? performance.now();
  }

  /** The primary is certainly down, and the standby notices that a moment later. */
  private lookAgainSoon(): void {
    setTimeout(() => void this.look(true), PROBE_MS / 25);
  }

  /** A standby finds out at about the time at which the primary is suspected: it is asked until it has, or for a while. */
  private confirmSoon(): void {
    setTimeout(() => {
      if (!this.closed && !this.looking) void this.lookAndJudge(() => this.lookAtStandbys());
    }, PROBE_MS / 10);
  }

  async close(): Promise<void> {
    this.closed = true;
    clearInterval(this.timer);
    await Promise.all([...this.members.values()].map(({ watch }) => watch.close()));
  }
}
