import type { Random } from '../../support/random.js';
import type { Scheduler } from '../scheduler.js';

/** A record of WAL. Commits are positive, ends and beginnings of timelines negative; no two records are equal. */
export type WalRecord = number;

/** What is in PGDATA, and is lost with it. */
export interface DataDirectory {
  /** False while something rewrites it: what is in it then is no database. */
  complete: boolean;
  wal: WalRecord[];
  timeline: number;
  standbySignal: boolean;
  upstream: string | null;
  /** `synchronous_standby_names` on disk. */
  names: readonly string[];
}

/** A commit that waits for a standby. */
export interface Waiter {
  readonly position: number;
  readonly release: () => void;
}

/** A walsender and the walreceiver at its other end. */
export interface Session {
  readonly sender: Postmaster;
  readonly receiver: Postmaster;
  open: boolean;
  shipping: boolean;
  /** What the sender knows to be on the standby's disk. */
  flushed: number;
  /** The names as this walsender loaded them: it decides by itself whether it counts (rule 3d). */
  names: readonly string[];
}

/** A running server. It ends with its process; what it had loaded ends with it. */
export class Postmaster {
  hung = false;
  /** The names that a new connection is shown. */
  shownNames: readonly string[];
  /** The names as the checkpointer loaded them: whether there are any turns waiting on for everyone. */
  checkpointerNames: readonly string[];
  /** Reloads that the checkpointer has not come to yet. */
  checkpointerReloads = 0;
  readonly sessions: Session[] = [];
  /** Up to here every commit has been acknowledged by a quorum. */
  acknowledgedTo = 0;
  waiters: Waiter[] = [];
  /** On a standby: whether its WAL receiver believes that it streams. */
  receiving = false;
  alive = true;

  constructor(readonly instance: Instance, public role: 'primary' | 'standby', names: readonly string[]) {
    this.shownNames = names;
    this.checkpointerNames = names;
  }
}

/** One instance, and what is beside its PGDATA. */
export class Instance {
  token = 0n;
  /** The child that holds the lock; a higher token kills it. */
  holder: { killed: boolean } | null = null;
  /** Whether its promotions fail, as on a disk that takes no write. */
  refusesPromotion = false;
  /** Whether its server does not start. */
  refusesStart = false;
  marked = false;
  /** Whether what the mark fences is to be kept when the instance is made anew (rule 12). */
  keep = false;
  /** Copies that were moved aside. */
  readonly kept: WalRecord[][] = [];
  process: Postmaster | null = null;
  reachable = true;

  constructor(readonly id: string, readonly port: number, public data: DataDirectory | null) {}
}

export interface PostgresOptions {
  readonly scheduler: Scheduler;
  readonly random: Random;
  readonly instances: readonly Instance[];
  /** Called when WAL was rewritten, or who accepts writes has changed. */
  readonly onUpheaval: () => void;
}

/**
 * What PostgreSQL does by itself: it streams, flushes, loads its settings process by process, lets commits go when
 * enough standbys have them, and notices when the other side is gone.
 */
export class Postgres {
  /** How long the checkpointer does not come to read its settings; otherwise chance decides. */
  checkpointerBusyMs: number | undefined;
  private readonly cuts = new Set<string>();
  /** Servers that may have sessions still, dead ones included. */
  private readonly senders = new Set<Postmaster>();

  constructor(private readonly options: PostgresOptions) {}

  byId(id: string): Instance {
    const instance = this.options.instances.find((candidate) => candidate.id === id);
    if (!instance) throw new Error(`there is no instance ${id}`);
    return instance;
  }

  start(instance: Instance): Postmaster {
    if (!instance.data) throw new Error(`instance ${instance.id} has no data`);
    const { data } = instance;
    const postmaster = new Postmaster(instance, data.standbySignal ? 'standby' : 'primary', data.names);
    instance.process = postmaster;
    this.senders.add(postmaster);
    this.options.onUpheaval();
    this.connectSoon();
    return postmaster;
  }

  kill(instance: Instance): void {
    const { process } = instance;
    if (!process) return;
    instance.process = null;
    process.alive = false;
    process.waiters = [];
    for (const session of this.sessionsOf(process)) this.close(session, 1, 20);
    this.options.onUpheaval();
  }

  hang(instance: Instance): void {
    const { process } = instance;
    if (!process || process.hung) return;
    process.hung = true;
    for (const session of this.sessionsOf(process)) this.timeOut(session);
  }

  wake(instance: Instance): void {
    const { process } = instance;
    if (!process?.hung) return;
    process.hung = false;
    this.options.onUpheaval();
    this.reload(process);
    for (const session of this.sessionsOf(process)) this.resume(session);
    this.connectSoon();
  }

  cut(a: string, b: string): void {
    this.cuts.add(linkOf(a, b));
    for (const session of this.allSessions()) if (this.isCut(session)) this.timeOut(session);
  }

  heal(): void {
    this.cuts.clear();
    for (const session of this.allSessions()) this.resume(session);
    this.connectSoon();
  }

  /** A commit: written, sent, and let go when nothing has to be waited for (any more). */
  commit(primary: Postmaster, record: WalRecord, release: () => void): void {
    const { data } = primary.instance;
    if (!data) return;
    data.wal.push(record);
    this.pumpAll(primary);
    if (primary.checkpointerNames.length === 0 || data.wal.length <= primary.acknowledgedTo) release();
    else primary.waiters.push({ position: data.wal.length, release });
  }

  /** Appends something that nobody waits for. */
  write(primary: Postmaster, record: WalRecord): void {
    primary.instance.data?.wal.push(record);
    this.pumpAll(primary);
  }

  /** Tells the postmaster to read its settings; each of its processes does so when it comes to it. */
  reload(process: Postmaster): void {
    process.checkpointerReloads += 1;
    this.later(process, 1, 30, `${process.instance.id}: postmaster reloads`, () => {
      process.shownNames = process.instance.data?.names ?? [];
      const busy = this.options.random.happens(0.15);
      const busyMs = this.checkpointerBusyMs;
      this.later(process, busyMs ?? 1, busyMs ?? (busy ? 3_000 : 30), `${process.instance.id}: checkpointer reloads`,
        () => this.loadInCheckpointer(process), () => { process.checkpointerReloads -= 1; });
      for (const session of process.sessions) this.loadInSender(session);
    }, () => { process.checkpointerReloads -= 1; });
  }

  private loadInCheckpointer(process: Postmaster): void {
    process.checkpointerReloads -= 1;
    process.checkpointerNames = process.instance.data?.names ?? [];
    if (process.checkpointerNames.length === 0) this.release(process, Infinity);
  }

  private loadInSender(session: Session): void {
    const slow = this.options.random.happens(0.1);
    this.later(session.sender, 1, slow ? 1_000 : 30, `${session.sender.instance.id}: walsender of ${session.receiver.instance.id} reloads`, () => {
      session.names = session.sender.instance.data?.names ?? [];
      this.reply(session);
    });
  }

  /** A standby that is promoted follows nobody any more. */
  promote(process: Postmaster, beginning: WalRecord): void {
    const { data } = process.instance;
    if (!data) return;
    for (const session of this.sessionsOf(process)) this.close(session, 0, 0);
    data.standbySignal = false;
    data.timeline += 1;
    process.role = 'primary';
    process.receiving = false;
    this.write(process, beginning);
    this.options.onUpheaval();
    this.connectSoon();
  }

  /** Lets every standby that has nobody to stream from try to connect. */
  connectSoon(): void {
    for (const { process } of this.options.instances) {
      if (process?.role === 'standby') this.later(process, 5, 200, '', () => this.connect(process));
    }
  }

  private connect(receiver: Postmaster): void {
    const upstream = receiver.instance.data?.upstream;
    const sender = upstream ? this.byId(upstream).process : null;
    if (!sender || sender.hung || sender.role !== 'primary' || receiver.role !== 'standby') return;
    if (this.cuts.has(linkOf(sender.instance.id, receiver.instance.id)) || !sender.instance.reachable || !receiver.instance.reachable) return;
    if (sender.sessions.some((session) => session.open && session.receiver === receiver)) return;
    const [ahead, behind] = [sender.instance.data, receiver.instance.data];
    // A standby that has what its primary has not, has diverged: the primary refuses to stream to it.
    if (!ahead || !behind?.complete || !isPrefix(behind.wal, ahead.wal)) return;
    const session: Session = { sender, receiver, open: true, shipping: false, flushed: behind.wal.length, names: sender.shownNames };
    sender.sessions.push(session);
    receiver.receiving = true;
    this.options.scheduler.note('', `${receiver.instance.id} streams from ${sender.instance.id}`);
    this.reply(session);
    this.pump(session);
  }

  /** After a silence both sides say where they are, as they do now and then anyway. */
  private resume(session: Session): void {
    this.reply(session);
    this.pump(session);
  }

  private pumpAll(primary: Postmaster): void {
    for (const session of primary.sessions) this.pump(session);
  }

  private pump(session: Session): void {
    const { sender, receiver } = session;
    const [from, to] = [sender.instance.data, receiver.instance.data];
    if (!session.open || session.shipping || !from || !to || sender.hung || !sender.alive) return;
    if (to.wal.length >= from.wal.length && session.flushed >= to.wal.length) return;
    session.shipping = true;
    const upTo = from.wal.length;
    this.options.scheduler.schedule(this.options.random.between(0.5, 5), '', () => this.deliver(session, upTo));
  }

  private deliver(session: Session, upTo: number): void {
    session.shipping = false;
    const { sender, receiver } = session;
    const [from, to] = [sender.instance.data, receiver.instance.data];
    if (!session.open || this.isCut(session) || receiver.hung || !receiver.alive || receiver.role !== 'standby' || !from || !to) return;
    for (let position = to.wal.length; position < Math.min(upTo, from.wal.length); position += 1) to.wal.push(from.wal[position]!);
    to.timeline = from.timeline;
    this.reply(session);
    this.pump(session);
  }

  /** The standby tells what it has flushed. */
  private reply(session: Session): void {
    const flushed = session.receiver.instance.data?.wal.length ?? 0;
    this.options.scheduler.schedule(this.options.random.between(0.5, 5), '', () => {
      if (!session.open || this.isCut(session) || session.sender.hung) return;
      session.flushed = Math.max(session.flushed, flushed);
      this.acknowledge(session);
      this.pump(session);
    });
  }

  /** A walsender lets waiters go if it counts itself, by what all that count themselves have flushed (ANY 1). */
  private acknowledge({ sender, receiver, names }: Session): void {
    if (!sender.alive || !names.includes(receiver.instance.id)) return;
    const counting = sender.sessions.filter((session) => session.open && session.names.includes(session.receiver.instance.id));
    this.release(sender, Math.max(...counting.map(({ flushed }) => flushed)));
  }

  private release(primary: Postmaster, upTo: number): void {
    if (upTo !== Infinity) primary.acknowledgedTo = Math.max(primary.acknowledgedTo, upTo);
    const free = primary.waiters.filter(({ position }) => position <= upTo);
    if (free.length === 0) return;
    primary.waiters = primary.waiters.filter(({ position }) => position > upTo);
    for (const { release } of free) release();
  }

  private isCut({ sender, receiver }: Session): boolean {
    return this.cuts.has(linkOf(sender.instance.id, receiver.instance.id));
  }

  /** Silence ends a session after a while, as `wal_sender_timeout` and `wal_receiver_timeout` say. */
  private timeOut(session: Session): void {
    const silent = (): boolean => this.isCut(session) || session.sender.hung || session.receiver.hung;
    this.options.scheduler.schedule(this.options.random.between(2_000, 8_000), '', () => {
      if (session.open && silent()) this.close(session, 0, 0);
    });
  }

  close(session: Session, low: number, high: number): void {
    if (!session.open) return;
    const { scheduler, random } = this.options;
    scheduler.schedule(random.between(low, high), '', () => {
      if (!session.open) return;
      session.open = false;
      const { sender, receiver } = session;
      sender.sessions.splice(sender.sessions.indexOf(session), 1);
      receiver.receiving = false;
      scheduler.note('', `${receiver.instance.id} streams from ${sender.instance.id} no more`);
      this.connectSoon();
    });
  }

  sessionsOf(process: Postmaster): Session[] {
    return this.allSessions().filter(({ sender, receiver }) => sender === process || receiver === process);
  }

  private allSessions(): Session[] {
    for (const sender of this.senders) if (!sender.alive && sender.sessions.length === 0) this.senders.delete(sender);
    return [...this.senders].flatMap(({ sessions }) => sessions);
  }

  /** Something that a living server does a little later; a stopped one does not do it, and is told again when it wakes. */
  private later(process: Postmaster, low: number, high: number, what: string, act: () => void, dropped: () => void = () => undefined): void {
    this.options.scheduler.schedule(this.options.random.between(low, high), what, () => {
      if (process.alive && !process.hung) act();
      else dropped();
    });
  }
}

/** Whether everything of one WAL is at the beginning of the other: no two records are equal, so the last one tells. */
export function isPrefix(wal: readonly WalRecord[], of: readonly WalRecord[]): boolean {
  return wal.length === 0 || of[wal.length - 1] === wal[wal.length - 1];
}

function linkOf(a: string, b: string): string {
  return a < b ? `${a}-${b}` : `${b}-${a}`;
}
