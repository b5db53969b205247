/** The documents of the API, as far as this command shows them (`/openapi.json` has all of them). */

export interface Customer {
  readonly id: string;
  readonly name: string;
  readonly email: string;
  readonly createdAt: string;
}

export interface Credentials {
  readonly user: string;
  readonly password: string;
  readonly uri: string;
  readonly pooledUri: string;
}

export interface Instance {
  readonly id: string;
  readonly role: string;
  readonly state: string;
  readonly host: string;
  readonly dataCenter: string;
  readonly address: string;
  readonly port: number;
  readonly lagBytes: number | null;
  readonly lagSeconds: number | null;
}

export interface Database {
  readonly id: string;
  readonly customerId: string;
  readonly name: string;
  readonly region: string;
  readonly plan: string;
  readonly state: string;
  readonly automation: string;
  readonly automationReason?: string | null;
  readonly postgresVersion: string | null;
  readonly epoch: number;
  readonly inSync: boolean;
  readonly endpoint: { readonly host: string; readonly port: number; readonly database: string; readonly user: string; readonly uri: string; readonly pooledUri: string } | null;
  readonly instances: readonly Instance[];
  readonly createdAt: string;
  readonly deletedAt: string | null;
  readonly purgeAt: string | null;
}

export interface OperationStep {
  readonly name: string;
  readonly state: 'pending' | 'running' | 'succeeded' | 'failed' | 'skipped';
  readonly startedAt: string | null;
  readonly finishedAt: string | null;
  readonly detail: unknown;
}

export interface Operation {
  readonly id: string;
  readonly kind: string;
  readonly databaseId: string | null;
  readonly state: 'pending' | 'running' | 'succeeded' | 'failed' | 'cancelled';
  readonly steps: readonly OperationStep[];
  readonly error: unknown;
  readonly requestedBy: string | null;
  readonly createdAt: string;
  readonly startedAt: string | null;
  readonly finishedAt: string | null;
}

export interface Region {
  readonly id: string;
  readonly name: string;
  readonly timeZone: string;
  readonly open: boolean;
  readonly dataCenters: readonly { readonly id: string; readonly name: string }[];
}

export interface Host {
  readonly id: string;
  readonly region: string;
  readonly dataCenter: string;
  readonly address: string;
  readonly state: string;
  readonly memoryMb: number;
  readonly promisedMb: number;
  readonly instances: number;
}

/** What would move away from hosts. */
export interface MovePlan {
  readonly hosts: readonly string[];
  readonly primaries: number;
  readonly standbys: number;
  readonly moves: readonly Move[];
}

export interface Move {
  readonly databaseId: string;
  readonly instanceId: string;
  readonly hostId: string;
  readonly role: string;
  /** The kind of operation that moves it. */
  readonly by: string;
}

export interface Alert {
  readonly id: string;
  readonly kind: string;
  readonly severity?: string;
  readonly message?: string;
  readonly openedAt: string;
  readonly resolvedAt: string | null;
}

/** What is answered by a request that takes a while. */
export interface Accepted {
  readonly database?: Database;
  readonly operation: Operation;
  readonly credentials?: Credentials;
}

export interface Page<T> {
  readonly data: readonly T[];
  readonly nextCursor: string | null;
}

/** RFC 9457, as this API extends it. */
export interface Problem {
  readonly type?: string;
  readonly title?: string;
  readonly detail?: string;
  readonly status?: number;
  /** The fields at fault of a request that was not valid. */
  readonly errors?: readonly { readonly field: string; readonly message: string }[];
  /** How much a failover may lose; null if nobody can tell. */
  readonly bytesAtRisk?: number | null;
}
