/**
 * The ports through which features reach a data plane.
 *
 * Every verb that changes something is idempotent: called again with the same or a higher token it leads to the same
 * state and answers with what it observed. A lower token than the highest one seen is refused with a `superseded`
 * error, atomically with the effect (`protocol.md`, rule 1). Errors are always {@link EngineError}.
 */

import type { BackupsPort } from './backups-port.js';
import type { ExtensionObservation } from './extension-list.js';
import type {
  DatabaseSpec, Effect, InstanceObservation, InstanceRef, Lsn, Room, StandbyObservation, StorageMeasure, Writing,
} from './instance-model.js';
import type { MetadataBackupsPort } from './metadata-backups-port.js';
import type { RoleObservation, WantedRole } from './role-names.js';
import type { Survey } from './survey-port.js';

export type {
  DatabaseSpec,
  Effect,
  InstanceObservation,
  InstanceRef,
  InstanceSecrets,
  InstanceSize,
  Lsn,
  Room,
  StandbyObservation,
  StorageMeasure,
  Writing,
} from './instance-model.js';

/** The data of an instance that was moved aside when the instance was made anew (`protocol.md`, rule 12). */
export interface KeptCopy {
  /** Unique among those of one instance. */
  readonly id: string;
  /** RFC 3339. */
  readonly keptAt: string;
  readonly sizeBytes: number;
}

/** A transaction that one of the customer's sessions has open on a primary. */
export interface OpenTransaction {
  readonly pid: number;
  readonly user: string;
  /** What the session calls itself; empty if it does not. */
  readonly application: string;
  /** As PostgreSQL has it, such as `idle in transaction`. */
  readonly state: string;
  /** When it began, RFC 3339 with microseconds; together with the pid it tells the transaction from all others. */
  readonly since: string;
  readonly openSeconds: number;
}

/** Instances: the postmasters of one database. */
export interface InstancesPort {
  /** Sees what is there; changes nothing and never throws for an instance that is missing or down. */
  observe(instance: InstanceRef, signal: AbortSignal): Promise<InstanceObservation>;
  /**
   * Makes and starts a new cluster with the owner's role and database in it. Finds a half-made one and finishes or
   * remakes it; finds a finished one and only starts it. Never touches an instance that holds a customer's data.
   */
  createPrimary(instance: InstanceRef, effect: Effect): Promise<InstanceObservation>;
  /** Copies the primary over TLS into a new directory, swaps it in, starts it, and returns once it streams. */
  attachStandby(instance: InstanceRef, primary: InstanceRef, effect: Effect): Promise<InstanceObservation>;
  /**
   * Sets the whole list of synchronous standbys (none: the empty list) on disk and returns once it is *loaded* in the
   * sense of `protocol.md`, rule 3d; answers with an LSN that was read after that.
   */
  setSynchronousStandbys(primary: InstanceRef, standbyIds: readonly string[], effect: Effect): Promise<{ lsn: Lsn }>;
  /** Returns once the standby has flushed everything up to the LSN (`protocol.md`, rule 3b and 3c). */
  waitForFlush(primary: InstanceRef, standbyId: string, lsn: Lsn, effect: Effect): Promise<void>;
  /** Sets the owner's SCRAM verifier on the primary, until when it is valid, and the owner's further log-ins, as the database has them. */
  setOwnerVerifier(primary: InstanceRef, verifier: string, effect: Effect): Promise<void>;
  /**
   * Gives an instance that was made, or restored from what was made, by an earlier version what the endpoint needs of it: who
   * may come in, certificates, and in a primary that runs the roles, rights and the database for the pooler. Standbys first: they
   * get the latter through the WAL. One that has it all is left as it is, but for a reload.
   */
  equip(instance: InstanceRef, effect: Effect): Promise<void>;
  /** Which extensions the server has, and which of them the customer's database has; reads only. */
  observeExtensions(primary: InstanceRef, signal: AbortSignal): Promise<readonly ExtensionObservation[]>;
  /**
   * Makes an extension in the customer's database, as the list of extensions allows it (`extension-list.ts`), and moves it
   * to the schema. Answers whether it had to. None of its script meets what a customer has made.
   *
   * @throws EngineError `permanent` if it is refused by the list, by PostgreSQL, or because of what the customer has made
   */
  createExtension(
    primary: InstanceRef, wanted: { readonly name: string; readonly schema: string }, effect: Effect,
  ): Promise<{ readonly made: boolean }>;
  /** Takes an extension away; refused while something rests on it. */
  dropExtension(primary: InstanceRef, name: string, effect: Effect): Promise<void>;
  /** The customer's roles beside the owner, by name; reads only. */
  observeRoles(primary: InstanceRef, signal: AbortSignal): Promise<readonly RoleObservation[]>;
  /**
   * Makes a role of the customer's own, or changes it into what is wanted. What it may do holds in what the owner has and
   * makes later, in every database that there is and in those that are made later. Refuses the names of roles that are not
   * the customer's.
   */
  setRole(primary: InstanceRef, wanted: WantedRole, effect: Effect): Promise<void>;
  /** Ends a role's sessions and removes it; what it owned goes to the owner. Harmless if it is gone. */
  dropRole(primary: InstanceRef, name: string, effect: Effect): Promise<void>;
  /** Measures what the primary's data takes: dear where there are many files, see `judge-storage.ts`. */
  measureStorage(primary: InstanceRef, signal: AbortSignal): Promise<StorageMeasure>;
  /**
   * Says who may write to the primary, from the next transaction on; it outlives a restart. It changes nothing of
   * `protocol.md`: neither which instance accepts writes nor what has to follow. Hence its tokens are a sequence of their
   * own, which goes up whenever who may write is changed.
   */
  setWriting(primary: InstanceRef, writing: Writing, effect: Effect): Promise<void>;
  /** Ends the customer's sessions that have written in their transaction, or have temporary files; or all that there are. */
  endSessions(primary: InstanceRef, which: 'growing' | 'all', signal: AbortSignal): Promise<void>;
  /** Starts an instance as whatever it was; refuses one that is marked. */
  start(instance: InstanceRef, effect: Effect): Promise<InstanceObservation>;
  /**
   * Makes sure that the instance can accept no write: the durable mark first, then every process of it killed and seen
   * dead (protocol rule 5). While it is marked nobody can start it. With `keep`, the mark also says that its data is
   * moved aside, and not rewound, overwritten or destroyed, when the instance is made anew or goes; unless it turns out to
   * hold nothing that the new primary lacks (protocol rule 12).
   */
  fence(instance: InstanceRef, effect: Effect, options?: { readonly keep?: boolean }): Promise<InstanceObservation>;
  /** Writes out what the primary has only in memory, so that a stop that follows is short. It does no harm, whenever it happens. */
  checkpoint(primary: InstanceRef, signal: AbortSignal): Promise<void>;
  /** The customer's transactions that are open on a primary, those that are open for the longest time first. */
  openTransactions(primary: InstanceRef, signal: AbortSignal): Promise<readonly OpenTransaction[]>;
  /** Ends the sessions that are still in these transactions, and no other. */
  endTransactions(primary: InstanceRef, transactions: readonly OpenTransaction[], effect: Effect): Promise<void>;
  /**
   * Stops a primary for a switchover: after a checkpoint a clean, bounded shutdown, then the same mark as a fence
   * (protocol rule 6). Answers whether the shutdown was clean, and where its WAL ends.
   */
  stopMarked(primary: InstanceRef, effect: Effect): Promise<{ clean: boolean; lsn: Lsn | null }>;
  /** Lifts the mark and starts the instance as the primary that it was (protocol rule 8). */
  unfence(instance: InstanceRef, effect: Effect): Promise<InstanceObservation>;
  /**
   * Puts the token on the instance, so that an earlier promotion that is still asleep is refused, and then observes it
   * (protocol rules 7 and 8). Its role is told from its files where it does not answer: it may have been promoted and
   * have died since.
   */
  claim(instance: InstanceRef, effect: Effect): Promise<InstanceObservation>;
  /**
   * Empties the standby's own names, promotes it, and returns once it accepts writes (protocol rule 9). One that was
   * promoted already and is down is started.
   */
  promote(standby: InstanceRef, effect: Effect): Promise<InstanceObservation>;
  /**
   * Makes the instance a streaming standby of the primary, whatever it was: pointed at it where it only follows another
   * one, rewound where it diverged, copied anew where neither works. The mark is lifted only when it cannot start as a
   * primary any more (protocol rules 10 and 11). Never touches the primary's own files.
   */
  rejoin(
    instance: InstanceRef, primary: InstanceRef, effect: Effect,
  ): Promise<InstanceObservation & { readonly how: 'repointed' | 'rewound' | 'copied' }>;
  /** Holds a connection to the instance, to see at once when it goes. */
  watch(instance: InstanceRef): InstanceWatch;
  /**
   * Makes the slot through which a standby streams, on the primary, if it is not there or was lost. A standby that streams
   * through a lost one is cut off for a moment.
   */
  provideSlot(primary: InstanceRef, standbyId: string, effect: Effect): Promise<void>;
  /** Drops the slot of a standby that is gone, on the primary. */
  dropSlot(primary: InstanceRef, standbyId: string, effect: Effect): Promise<void>;
  /**
   * Ends every process of the instance and removes its files; what stays is the record of the highest token and, with
   * `spareKept`, what was moved aside or has to be.
   */
  destroy(instance: InstanceRef, effect: Effect, options?: { readonly spareKept?: boolean }): Promise<void>;
  /** The copies of an instance's data that were moved aside, the oldest first; those of one that is gone, too. */
  keptCopies(instance: InstanceRef, signal: AbortSignal): Promise<readonly KeptCopy[]>;
  /** Removes one of them; harmless if it is gone. */
  releaseKept(instance: InstanceRef, keptId: string, effect: Effect): Promise<void>;
}

/**
 * What one look at an instance showed.
 *
 * - `answers`: it answered a query;
 * - `restarting`: it refuses with SQLSTATE 57P03: its postmaster is alive and restarts the backends by itself;
 * - `refused`: its host answers and nobody listens there: the postmaster is dead;
 * - `silent`: nothing came back in time: a stopped process, a stuck disk, a lost host, or a watcher that is cut off.
 */
export type Sight = 'answers' | 'restarting' | 'refused' | 'silent';

export interface InstanceGlimpse {
  readonly sight: Sight;
  readonly role?: 'primary' | 'standby';
  readonly lsn?: Lsn;
  /** On a standby: whether its WAL receiver streams. */
  readonly receiving?: boolean;
  /** On a primary: who streams from it. */
  readonly standbys?: readonly StandbyObservation[];
}

/** A replication slot of an instance. */
export interface SlotInspection {
  readonly name: string;
  readonly active: boolean;
  /**
   * `unreserved`: what it needs may be removed at the next checkpoint; `lost`: it has been, and the slot keeps nothing any
   * more, in use or not.
   */
  readonly status: 'reserved' | 'extended' | 'unreserved' | 'lost';
  /** WAL that is kept for it; null once it was removed, or before it was ever used. */
  readonly keptBytes: number | null;
  /** WAL that may be kept for it; null without limit. */
  readonly limitBytes: number | null;
}

/** A transaction that is open, and what it keeps from vacuum and from DDL for as long as that. */
export interface OldestTransaction {
  /** Whose it is; `dump` and `control` are ours. One that was prepared (two-phase commit) belongs to no session. */
  readonly by: 'customer' | 'dump' | 'control' | 'prepared';
  /** Of its session; null for one that was prepared. */
  readonly pid: number | null;
  readonly seconds: number;
  readonly user: string;
  /** How its session names itself; the global id of one that was prepared. */
  readonly name: string;
}

/** What holds back vacuum without a transaction here: a slot, or a standby's own readers. */
export interface HeldBack {
  readonly by: 'slot' | 'standby';
  readonly name: string;
  /** How many transactions have begun since the one that it needs the rows of. */
  readonly transactions: number;
}

/** What slowly goes wrong in an instance, as it was at one moment. */
export interface InstanceInspection {
  readonly role: 'primary' | 'standby';
  /** Size of the WAL on disk, and what its settings let it grow to when nothing holds it back. */
  readonly wal: { readonly bytes: number; readonly usualBytes: number };
  readonly slots: readonly SlotInspection[];
  /** On a primary: who streams from it. */
  readonly standbys: readonly StandbyObservation[];
  /** The transaction that has been open for the longest time, of any role and database. */
  readonly oldestTransaction: OldestTransaction | null;
  readonly heldBack: HeldBack | null;
  /** The file system that its data is on; `own` if no other database's is on it. */
  readonly disk: { readonly usedBytes: number; readonly freeBytes: number; readonly own: boolean };
}

/** A held connection to an instance. */
export interface InstanceWatch {
  /**
   * Looks at what goes wrong slowly, through the held connection; dearer than a look, and for every ten seconds or so.
   * Undefined if there is no such connection or no answer in time. Never throws.
   */
  inspect(timeoutMs: number): Promise<InstanceInspection | undefined>;
  /** Looks once; through the held connection while it lives, else through a new one. Never throws. */
  look(timeoutMs: number): Promise<InstanceGlimpse>;
  /** Called when the held connection is closed by the other side: a reason to look at once. */
  onClosed(call: () => void): void;
  close(): Promise<void>;
}

/** Where an instance listens. */
export interface RouteTarget {
  readonly address: string;
  readonly port: number;
}

/** Where a database's endpoint leads. */
export interface Route {
  readonly database: DatabaseSpec;
  /** The primary: where sessions that write, and the pooler, go. */
  readonly target: RouteTarget;
  /** The standbys in sync, over which sessions that only read are spread; to the primary where there is none. */
  readonly readers?: readonly RouteTarget[];
}

/** Where clients of a database connect to: each kind of endpoint has a port of its own, which stays the same for its life. */
export interface DatabaseEndpoint {
  /** The name or address that clients use, and that the servers' certificates carry. */
  readonly host: string;
  /** A session of PostgreSQL itself, at the primary. */
  readonly port: number;
  /** Pools by transaction. */
  readonly pooledPort: number;
  /** A session at a standby in sync. */
  readonly readOnlyPort: number;
  /**
   * A path, readable by every user of the machine, of the CA that signed the servers' certificates; `system` where everybody
   * trusts it; null where there is none.
   */
  readonly rootCertificatePath: string | null;
}

/** By what an engine tells a database's endpoint. */
export type EndpointSubject = Pick<DatabaseSpec, 'id' | 'region' | 'endpointSlot'>;

/** A write made through the endpoint as the customer would make it, and where it was read again. */
export interface EndpointProof {
  /** Milliseconds from the first packet to the acknowledged commit. */
  readonly writeMs: number;
  /** The standbys on which the written row was read. */
  readonly readOn: readonly string[];
}

/**
 * How an endpoint answered:
 *
 * - `up`: as it should;
 * - `read-only`: a client can read and not write;
 * - `exhausted`: the customer's sessions have taken all that there are;
 * - `refused`: it was refused, or cut;
 * - `silent`: there was no answer in time;
 * - `not-equipped`: the server was made by an earlier version, and does not know the role that probes.
 */
export type EndpointProbe =
  | { readonly state: 'up'; /** From the first packet to the last answer. */ readonly tookMs: number }
  | { readonly state: 'refused'; readonly reason: string }
  | { readonly state: 'read-only' | 'exhausted' | 'silent' | 'not-equipped' };

/** A database's route, as it is kept. */
export interface RouteObservation {
  readonly state: 'open' | 'held' | 'absent';
  /** Where sessions that write are led. */
  readonly target?: RouteTarget;
}

/** What became of a route whose allow-list was changed. */
export interface RestrictedRoute {
  /** Clients that were in and had to go. */
  readonly cut: number;
}

/** Gateways: what carries the routes of a region's databases. */
export interface GatewayPort {
  endpoint(database: EndpointSubject): DatabaseEndpoint;
  /** How many databases a region's gateway has endpoints for: their slots count from 0. */
  slots(region: string): number;
  /** How a database's route stands; for who compares it with the record (`protocol.md`, rule 15). */
  observe(database: EndpointSubject): Promise<RouteObservation>;
  /** The CA that signs the region's server certificates, PEM. */
  certificateAuthority(region: string): Promise<string>;
  /**
   * Opens the database's routes, or moves them to another target, and lets waiting clients go on; no other route's clients
   * notice. Sessions that have begun stay where they are.
   */
  open(route: Route, effect: Effect): Promise<void>;
  /** Cuts the clients of the database's routes; new ones wait until the routes are opened again. */
  close(database: DatabaseSpec, effect: Effect): Promise<void>;
  /**
   * Lets running transactions end, for so long at most, and makes new ones wait until the routes are opened again.
   * Clients of the session route are cut at the end of that time. Throws `transient` if the pooled route does not come
   * to rest in time, in which case it has let everybody go on.
   */
  pause(database: DatabaseSpec, limitMs: number, effect: Effect): Promise<void>;
  /**
   * Lets clients in from the networks of the database's allow-list alone, from this moment on, at each of its endpoints; those that
   * are in and may not be any more are cut, and nobody else. A route that is not there is told when it is opened.
   */
  restrict(database: DatabaseSpec, effect: Effect): Promise<RestrictedRoute>;
  /** Takes the database's routes away and cuts their clients. */
  remove(database: DatabaseSpec, effect: Effect): Promise<void>;
  /**
   * Connects through every route with TLS and the password, writes a row, reads it on each standby, and removes it again.
   */
  verify(route: Route, password: string, standbys: readonly InstanceRef[], effect: Effect): Promise<EndpointProof>;
  /**
   * Tries the database's endpoint by a client's means, as a role of our own that sees nothing of the customer's: connects with
   * TLS, reads, and with `write` commits a write; changes nothing else, and never throws for an endpoint that fails. Absent where
   * endpoints cannot be tried so.
   */
  probe?(database: DatabaseSpec, how: { readonly write: boolean }, signal: AbortSignal): Promise<EndpointProbe>;
  /** Starts what does not run of the region's gateway. */
  keep(region: string, signal: AbortSignal): Promise<KeptGateway>;
  /** How often clients were refused before a server heard of them, since the gateway's last start; absent where nobody counts. */
  refusals?(region: string, signal: AbortSignal): Promise<readonly RefusalCount[]>;
  /** The same of one database's endpoints, with when and who it was last. */
  refusalsOf?(database: EndpointSubject, signal: AbortSignal): Promise<EndpointRefusals>;
}

/** What clients of a database's endpoints were refused for. */
export interface EndpointRefusals {
  /** Since when it is counted, RFC 3339; null where the gateway does not run. */
  readonly since: string | null;
  readonly refusals: readonly EndpointRefusal[];
}

export interface EndpointRefusal {
  /** As in {@link RefusalCount}. */
  readonly reason: string;
  readonly count: number;
  /** The newest that is in the log, which leaves out what one source is refused many times in a moment, and is cut short at times. */
  readonly last: { readonly at: string; readonly source: string } | null;
}

/** What clients were refused for. */
export interface RefusalCount {
  /** Null at a port that is no database's. */
  readonly databaseId: string | null;
  /** A short word, such as `source-limit`. */
  readonly reason: string;
  readonly count: number;
}

/** What there is of a region's gateway: `router`, and the ids of databases, for their poolers. */
export interface KeptGateway {
  readonly running: readonly string[];
  readonly started: readonly string[];
  /** What should run, and could not be started. */
  readonly failed: readonly string[];
  /** What is wrong with the certificate that an operator supplied for the endpoints; null if nothing is, or none was supplied. */
  readonly certificate: CertificateTrouble | null;
}

/** Why clients of the endpoints will soon be, or are, shown a certificate that they do not trust. */
export interface CertificateTrouble {
  readonly severity: 'warning' | 'critical';
  /** For operators, with the file's name. */
  readonly message: string;
}

/** A host as the engine knows it. */
export interface InventoryHost {
  readonly id: string;
  readonly address: string;
  /** Hosts with the same storage id lose their disks together. */
  readonly storageId: string;
  /** Memory that instances on it may be promised, in MiB. */
  readonly memoryMb: number;
  /** How the files of instances that are made on it are encrypted, each database's with a key of its own. */
  readonly encryptedAtRest: AtRestEncryption;
}

export const AT_REST_ENCRYPTIONS = ['fscrypt', 'none'] as const;
export type AtRestEncryption = (typeof AT_REST_ENCRYPTIONS)[number];

export interface InventoryDataCenter {
  readonly id: string;
  readonly name: string;
  readonly hosts: readonly InventoryHost[];
}

export interface InventoryRegion {
  readonly id: string;
  readonly name: string;
  /** IANA name, such as `Europe/Berlin`. */
  readonly timeZone: string;
  readonly dataCenters: readonly InventoryDataCenter[];
}

/** What a region's servers can sort text by. */
export interface LocaleOffer {
  /** Names of locales of the operating system whose encoding is UTF-8. */
  readonly libc: readonly string[];
  /** Whether they have ICU, which knows every language. */
  readonly icu: boolean;
  /** Names of PostgreSQL's own locales. */
  readonly builtin: readonly string[];
}

/** A data plane. */
export interface Engine {
  /**
   * `drives`: Freehold does the steps of a failover itself; `requests`: it asks a data plane that does them.
   * Every table of steps is made for `drives` so far, and nothing asks for it.
   */
  readonly style: 'drives' | 'requests';
  readonly instances: InstancesPort;
  readonly gateway: GatewayPort;
  /** Absent where the data plane keeps no backups. */
  readonly backups?: BackupsPort;
  /** Absent where the control plane's own database is not next to the data plane. */
  readonly metadataBackups?: MetadataBackupsPort;
  /**
   * Looks at all that there is of databases, whatever is recorded; absent where the data plane cannot be looked at so.
   *
   * @param known databases whose files can be opened if they are encrypted and closed; those of others count as made
   */
  survey?(known: readonly DatabaseSpec[]): Promise<Survey>;
  /** What new databases of a region can sort text by. */
  locales(region: string, signal: AbortSignal): Promise<LocaleOffer>;
  /** The file systems that hosts and the control plane are on; absent where nobody can fill another's. */
  rooms?(): Promise<readonly Room[]>;
  /** What there is to place databases on. */
  inventory(): readonly InventoryRegion[];
  /** Lets go of everything the engine holds open in this process; the data plane goes on. */
  close(): Promise<void>;
}
