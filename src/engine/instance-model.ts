/** What all ports speak of: databases, their instances, and how verbs are called. */

/** How a verb that has an effect is called. */
export interface Effect {
  /** The fencing token of the subject's current step (`protocol.md`, rule 1). */
  readonly token: bigint;
  /** Aborted when the step's time is over or its worker has lost the operation. */
  readonly signal: AbortSignal;
  /** Ids that the engine puts into its log lines. */
  readonly trace: Trace;
}

/** Ids that tie one request, its operation and the engine's log lines together. */
export interface Trace {
  readonly operationId?: string;
  readonly requestId?: string;
}

/** What an instance may use; derived from the database's plan. */
export interface InstanceSize {
  readonly memoryMb: number;
  readonly maxConnections: number;
  readonly diskGb: number;
}

/** A locale, and whose it is: the operating system's, ICU's or PostgreSQL's own. */
export interface InstanceLocale {
  readonly provider: 'libc' | 'icu' | 'builtin';
  readonly name: string;
}

/** What all instances of one database have in common. */
export interface DatabaseSpec {
  /** `db_…` */
  readonly id: string;
  /** The region's id, such as `europe`. */
  readonly region: string;
  /** The number of the database's own Unix account, counted from the start of the fleet's range; unique in the fleet. */
  readonly account: number;
  /** The number of its endpoint in its region, of which the endpoint's ports are made. */
  readonly endpointSlot: number;
  /** The PostgreSQL database that the customer connects to. */
  readonly name: string;
  /** The PostgreSQL role that the customer connects as. */
  readonly owner: string;
  /** The SCRAM-SHA-256 verifier of the owner's password; the password itself is not kept. */
  readonly ownerVerifier: string;
  /** How else the owner may log in; absent where that is the only password, without an end. */
  readonly ownerLogins?: {
    /** RFC 3339; until when {@link ownerVerifier} is valid; null without an end. */
    readonly ownerUntil: string | null;
    /** Roles that are the owner under names of their own, `NAME_login_a` and `NAME_login_b`. */
    readonly others: readonly { readonly name: string; readonly verifier: string; readonly until: string | null }[];
  };
  /** Networks from which clients may come to its endpoints, as `readNetwork` writes them; from everywhere if it is absent. */
  readonly allowList?: readonly string[];
  /** By what a cluster that is made for it sorts text; by code point if it is absent. */
  readonly locale?: InstanceLocale;
  readonly size: InstanceSize;
  readonly secrets: InstanceSecrets;
}

/** Passwords of the roles that the control plane and the standbys use inside the database's instances, and the key of its files. */
export interface InstanceSecrets {
  readonly control: string;
  readonly replication: string;
  /**
   * 64 random bytes in base64, of which each host's key is made; absent where it was erased, or the database is older than the
   * encryption of files.
   */
  readonly volume?: string;
}

/**
 * Who may write to a database: everybody; those sessions that ask for it, so that there is room to delete and to vacuum; or
 * nobody, not even to come in.
 */
export const WRITING = ['open', 'readOnly', 'closed'] as const;
export type Writing = (typeof WRITING)[number];

/** What an instance's data takes at one moment, all its databases together. */
export interface StorageMeasure {
  readonly dataBytes: number;
  /** Files of running queries. */
  readonly temporaryBytes: number;
  readonly walBytes: number;
  /** What it is told about who may write. */
  readonly writing: Writing;
}

/** A file system that instances, or the control plane itself, are on. */
export interface Room {
  /** The hosts whose instances are on it. */
  readonly hosts: readonly string[];
  /** Whether the control plane's own servers are on it. */
  readonly controlPlane: boolean;
  readonly usedBytes: number;
  readonly freeBytes: number;
}

/** One instance of a database. */
export interface InstanceRef {
  /** `ins_…`; also its `application_name` and, in lower case, the name of its replication slot. */
  readonly id: string;
  /** `hst_…` of the inventory. */
  readonly host: string;
  readonly database: DatabaseSpec;
}

/** An LSN as PostgreSQL prints it, such as `0/3000148`. */
export type Lsn = string;

/** A standby as its primary sees it in `pg_stat_replication`. */
export interface StandbyObservation {
  readonly instanceId: string;
  /** `streaming`, `catchup`, … */
  readonly state: string;
  readonly syncState: 'async' | 'potential' | 'sync' | 'quorum';
  readonly flushLsn: Lsn | null;
  /** WAL not yet flushed by the standby, in bytes. */
  readonly lagBytes: number;
  /** Age of the newest WAL not yet replayed by the standby, in seconds. */
  readonly lagSeconds: number;
}

/** What was seen of an instance, at one moment. What could not be asked is undefined. */
export interface InstanceObservation {
  /** Whether its data directory is there and complete. */
  readonly exists: boolean;
  /** Whether the fence mark forbids it to start (`protocol.md`, rule 5). */
  readonly marked: boolean;
  /** `running` means that it answers queries. */
  readonly process: 'running' | 'starting' | 'stopped' | 'hung';
  readonly address: string;
  /** Undefined until the instance was made for the first time; the same from then on. */
  readonly port?: number;
  readonly role?: 'primary' | 'standby';
  readonly postgresVersion?: string;
  /** PostgreSQL's own number for the cluster; equal on a primary and its standbys, different between databases. */
  readonly systemIdentifier?: string;
  readonly timeline?: number;
  /** The end of its WAL: written on a primary, received on a standby. */
  readonly lsn?: Lsn;
  /** The synchronous standbys that a new session is told of. */
  readonly synchronousStandbys?: readonly string[];
  /** On a primary: who streams from it. */
  readonly standbys?: readonly StandbyObservation[];
  /** On a standby: whether its WAL receiver streams. */
  readonly receiving?: boolean;
}
