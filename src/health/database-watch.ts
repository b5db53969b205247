import type { InstanceGlimpse, InstanceRef, InstanceWatch, InstancesPort } from '../engine/ports.js';
import { type Care, decideCare } from './decide-care.js';
import { type DatabaseSigns, findSlotless, type MemberSigns } from './judge-signs.js';
import { judgePrimary, type StandbySight, type Verdict } from './judge-primary.js';

/** How often a primary is looked at, and how long a look may take. */
export const PROBE_MS = 500;
/** Standbys are looked at less often: a closed socket tells at once, and their primary sees them too. */
const STANDBY_EVERY = 4;
/** Looks in a row without an answer that make a suspicion: with {@link PROBE_MS} a hung primary is suspected after 1.5 s. */
const MISSES_TO_SUSPECT = 3;
/** A standby that still streams from a primary that was silent for so long is right, and the watcher is blind. */
const MISSES_TO_BE_BLIND = 6;

/** A database as its watcher needs to know it. */
export interface WatchedDatabase {
  readonly id: string;
  readonly customerId: string;
  readonly region: string;
  readonly epoch: number;
  readonly inSync: readonly string[];
  readonly automationPaused: boolean;
  readonly change: { readonly kind: string; readonly step: string } | null;
  readonly members: readonly WatchedMember[];
}

export interface WatchedMember {
  readonly id: string;
  readonly role: 'primary' | 'standby';
  readonly state: string;
  readonly dataCenterId: string;
}

interface Member {
  readonly watch: InstanceWatch;
  glimpse: InstanceGlimpse;
  misses: number;
}

export interface WatchFindings {
  readonly database: WatchedDatabase;
  readonly verdict: Verdict;
  readonly care: Care;
  /** Decides again, with what is recorded now. */
  readonly decide: (recorded: WatchedDatabase) => Care;
}

export interface DatabaseWatchOptions {
  readonly instances: InstancesPort;
  readonly refs: ReadonlyMap<string, InstanceRef>;
  /** Data centres of the region in which nobody gives a sign of life to this watcher. */
  readonly silentDataCenters: (region: string) => ReadonlySet<string>;
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
  /** When each standby was last seen streaming. */
  private readonly followedAt = new Map<string, number>();
  private readonly began = performance.now();

  constructor(private database: WatchedDatabase, private readonly options: DatabaseWatchOptions) {
    for (const [id, ref] of options.refs) {
      const watch = options.instances.watch(ref);
      watch.onClosed(() => void this.look(true));
      this.members.set(id, { watch, glimpse: { sight: 'answers' }, misses: 0 });
    }
    this.timer = setInterval(() => void this.look(false), PROBE_MS);
  }

  /** What is recorded has changed; the members are the same. */
  update(database: WatchedDatabase): void {
    if (database.change) this.slotless = [];
    this.database = database;
  }

  get region(): string {
    return this.database.region;
  }

  /** Data centres in which an instance has given no sign of life, and those in which one has. */
  dataCenters(): { readonly silent: readonly string[]; readonly alive: readonly string[] } {
    const of = (isSilent: boolean): string[] => this.database.members
      .filter(({ id }) => ((this.members.get(id)?.misses ?? 0) >= MISSES_TO_SUSPECT) === isSilent).map(({ dataCenterId }) => dataCenterId);
    return { silent: of(true), alive: of(false) };
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
    return { databaseId: database.id, members };
  }

  private awaySeconds(standbyId: string): number | undefined {
    const streaming = this.primary()?.glimpse.standbys?.some(({ instanceId, state }) => instanceId === standbyId && state === 'streaming');
    if (streaming === undefined) return undefined;
    return streaming ? 0 : (performance.now() - (this.followedAt.get(standbyId) ?? this.began)) / 1000;
  }

  /** Looks at whom it is time to look at; at all of them when something happened or the primary does not answer. */
  private async look(urgent: boolean): Promise<void> {
    if (this.closed) return;
    if (this.looking) {
      this.again ||= urgent;
      return;
    }
    await this.lookAndJudge(async () => {
      const before = this.primary()?.glimpse.sight;
      const everybody = urgent || before === 'refused' || before === 'restarting' || (before === 'answers' && this.round++ % STANDBY_EVERY === 0);
      const due = this.database.members.filter(({ role }) => everybody || role === 'primary');
      await Promise.all(due.map(({ id }) => this.lookAt(id)));
      // A silent primary is judged by what its standbys say when its answer is overdue, and not when it was asked for.
      const sight = this.primary()?.glimpse.sight;
      if (sight === 'silent' || (sight !== 'answers' && !everybody)) await this.lookAtStandbys();
    });
  }

  private async lookAndJudge(looks: () => Promise<void>): Promise<void> {
    this.looking = true;
    try {
      await looks();
      if (!this.closed) this.judge();
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
    member.glimpse = await member.watch.look(PROBE_MS - 50);
    member.misses = member.glimpse.sight === 'silent' ? member.misses + 1 : 0;
  }

  private judge(): void {
    const { database } = this;
    const primary = database.members.find(({ role }) => role === 'primary');
    const seen = this.primary();
    if (!primary || !seen) return;
    const standbys = database.members.filter(({ role }) => role === 'standby').map((member): StandbySight => {
      const { glimpse, misses } = this.members.get(member.id) ?? { glimpse: { sight: 'silent' as const }, misses: 0 };
      return { instanceId: member.id, sight: glimpse.sight, misses, receiving: glimpse.sight === 'answers' ? glimpse.receiving : undefined };
    });
    const verdict = judgePrimary({
      primary: { instanceId: primary.id, sight: seen.glimpse.sight, misses: seen.misses }, standbys,
      silentDataCenters: this.options.silentDataCenters(database.region), missesToSuspect: MISSES_TO_SUSPECT,
    });
    const expected = database.members.filter(({ role, state }) => role === 'standby' && state !== 'lost').map(({ id }) => id);
    const streaming = seen.glimpse.standbys?.filter(({ state }) => state === 'streaming').map(({ instanceId }) => instanceId);
    for (const id of streaming ?? []) this.followedAt.set(id, performance.now());
    this.noteFollowing(streaming !== undefined && expected.every((id) => streaming.includes(id)));
    const unfollowedMs = this.unfollowedSince === undefined ? 0 : performance.now() - this.unfollowedSince;
    const decide = (recorded: WatchedDatabase): Care => {
      // What was seen belongs to the primary of its epoch.
      if (recorded.epoch !== database.epoch) return { ask: 'nothing' };
      const { change, automationPaused, inSync } = recorded;
      return decideCare({ verdict, change, automationPaused, inSync, expected, streaming, slotless: this.slotless, unfollowedMs });
    };
    this.options.onFindings({ database, verdict, care: decide(database), decide });
    if (verdict.verdict === 'wait' && seen.glimpse.sight === 'refused') this.lookAgainSoon();
    if (verdict.verdict !== 'lost' && seen.misses >= MISSES_TO_SUSPECT && seen.misses < MISSES_TO_BE_BLIND) this.confirmSoon();
  }

  private noteFollowing(all: boolean): void {
    this.unfollowedSince = all ? undefined : this.unfollowedSince ?? performance.now();
  }

  /** The standby needs a moment to notice what is certain already. */
  private lookAgainSoon(): void {
    setTimeout(() => void this.look(true), PROBE_MS / 25);
  }

  /** A standby finds out at about the time at which the primary is suspected: it is asked until it has, or for a while. */
  private confirmSoon(): void {
    setTimeout(() => {
      if (!this.closed && !this.looking) void this.lookAndJudge(() => this.lookAtStandbys());
    }, PROBE_MS / 10);
  }

  private primary(): Member | undefined {
    const primary = this.database.members.find(({ role }) => role === 'primary');
    return primary && this.members.get(primary.id);
  }

  async close(): Promise<void> {
    this.closed = true;
    clearInterval(this.timer);
    await Promise.all([...this.members.values()].map(({ watch }) => watch.close()));
  }
}
