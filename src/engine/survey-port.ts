/** An instance as its files tell of it, whoever made it and whatever is recorded. */
export interface FoundInstance {
  readonly id: string;
  readonly databaseId: string;
  readonly hostId: string;
  /**
   * The number of the database's own Unix account; null where everything runs as one user, or nothing is left but the record
   * of the token.
   */
  readonly account: number | null;
  readonly address: string;
  readonly port: number | null;
  /** The highest token that it has seen. */
  readonly token: bigint;
  /** Whether its data directory is complete. */
  readonly made: boolean;
  /** Whether it is fenced. */
  readonly marked: boolean;
  /** A standby has a file that says so until the moment at which its promotion happens. */
  readonly role: 'primary' | 'standby';
  readonly running: boolean;
  /** The newest timeline of which it has WAL; 0 if it has none. */
  readonly timeline: number;
}

/** A database's route as its gateway keeps it. */
export interface FoundRoute {
  readonly databaseId: string;
  readonly region: string;
  readonly token: bigint;
  /** Undefined for a route that was removed: only its token is left. */
  readonly leads?: {
    readonly open: boolean;
    readonly address: string;
    readonly port: number;
    readonly ownerVerifier: string;
    /** Networks from which it lets clients in. */
    readonly allowList: readonly string[];
  };
}

/** All that is found of databases, by their files and processes alone. */
export interface Survey {
  readonly instances: readonly FoundInstance[];
  readonly routes: readonly FoundRoute[];
}
