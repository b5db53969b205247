import type { LocaleProvider } from '../config/locale-names.js';
import type { DatabaseEndpoint, EndpointSubject, Writing } from '../engine/ports.js';
import { isPlanId, PLANS } from '../fleet/plans.js';
import type { Reach } from '../metadata/reach.js';
import { type Select, writeSelect } from '../metadata/select.js';
import { type RunningChange, runningChange } from '../operations/running-change.js';
import type { Meaning } from '../operations/traits.js';
import type { DatabaseDocument, InstanceDocument, KeptCopyDocument, StorageDocument } from './database.schemas.js';
import { commitsWait, type DatabaseSight, seeRedundancy, seeState, type SeenMember } from './database-sight.js';
import { type DatabaseState, deriveState } from './derive-state.js';
import { type StopReason, WARN_FROM } from './stop-reasons.js';

/** What a database's state is derived from. */
export interface StateRow<Member extends SeenMember = SeenMember> {
  plan: string; epoch: number; in_sync: string[]; provisioned_at: Date | null; deleted_at: Date | null; change: RunningChange | null;
  instances: Member[] | null; sight: DatabaseSight | null; sight_seconds: number | null;
}

export interface DatabaseRow extends StateRow<InstanceDocument> {
  id: string; customer_id: string; name: string; region_id: string; automation_paused: string | null;
  postgres_version: string | null; endpoint_slot: number; endpoint_database: string; endpoint_user: string;
  locale: string; locale_provider: LocaleProvider;
  created_at: Date; purge_at: Date | null; observed_at: Date | null; watched: boolean | null;
  kept_copies: KeptCopyDocument[] | null;
  storage_used_bytes: string | null; writing: Writing; writing_because: StopReason | null;
}

/** The URIs of a database's endpoint: a session at the primary, one that pools by transaction, and a session at a standby. */
export interface EndpointUris {
  readonly uri: string;
  readonly pooledUri: string;
  readonly readOnlyUri: string;
}

/** With the password if one is given. */
export function endpointUris(endpoint: DatabaseEndpoint, database: string, user: string, password?: string): EndpointUris {
  const login = password === undefined ? user : `${user}:${password}`;
  const host = endpoint.host.includes(':') ? `[${endpoint.host}]` : endpoint.host;
  const root = endpoint.rootCertificatePath === null
    ? ''
    : `&sslrootcert=${encodeURIComponent(endpoint.rootCertificatePath).replaceAll('%2F', '/')}`;
  const uri = (port: number): string => `postgresql://${login}@${host}:${port}/${database}?sslmode=verify-full${root}`;
  return { uri: uri(endpoint.port), pooledUri: uri(endpoint.pooledPort), readOnlyUri: uri(endpoint.readOnlyPort) };
}

/** Which databases are read. */
export interface DatabaseFilter {
  readonly id?: string | undefined;
  readonly customerId?: string | undefined;
  readonly region?: string | undefined;
  /** Only those that are older than this id. */
  readonly before?: string | undefined;
  readonly limit: number;
}

/** What a document says beside what its row has. */
export interface DocumentParts {
  readonly endpointOf: (subject: EndpointSubject) => DatabaseEndpoint;
  readonly meaningOf: (change: RunningChange) => Meaning;
}

/** Reads databases within reach, newest first; purged ones are gone. */
export async function readDatabases(
  run: (select: Select) => Promise<DatabaseRow[]>, reach: Reach, parts: DocumentParts,
  { id, customerId, region, before, limit }: DatabaseFilter,
  look?: (databaseId: string) => Promise<DatabaseSight>,
): Promise<DatabaseDocument[]> {
  const conditions = { 'd.id = ?': id, 'd.customer_id = ?': customerId, 'd.region_id = ?': region, 'd.id < ?': before };
  const rows = await run(writeSelect(
    SELECT_DATABASES, conditions, reach, 'd.customer_id',
    'AND (d.purge_at IS NULL OR d.purge_at > now()) ORDER BY d.id DESC LIMIT ?', limit,
  ));
  const seen = look ? await Promise.all(rows.map(async (row) => (isUnwatched(row) ? lookAnew(row, look) : row))) : rows;
  return seen.map((row) => documentOf(row, parts));
}

const isUnwatched = ({ watched, provisioned_at, deleted_at }: DatabaseRow): boolean =>
  !watched && provisioned_at !== null && deleted_at === null;

async function lookAnew(row: DatabaseRow, look: (databaseId: string) => Promise<DatabaseSight>): Promise<DatabaseRow> {
  const sight = await look(row.id).catch(() => null);
  return sight === null ? row : { ...row, sight, sight_seconds: null, observed_at: new Date() };
}

/** After so long without a sign from its watcher, the document of a database shows only its last known state. */
const WATCHED_WITHIN_S = 3;

/** The exclusive operation that runs, and what was seen. */
export const CHANGE_AND_SIGHT = `
         ${runningChange('d.id')} AS change,
         w.sight, extract(epoch FROM now() - w.sight_since)::float8 AS sight_seconds`;

const SELECT_DATABASES = `
  SELECT d.id, d.customer_id, d.name, d.region_id, d.plan, d.automation_paused, d.postgres_version, d.epoch, d.in_sync, d.endpoint_slot,
         d.endpoint_database, d.endpoint_user, d.locale, d.locale_provider, d.provisioned_at, d.created_at, d.deleted_at, d.purge_at,
         d.storage_used_bytes, d.writing, d.writing_because, ${CHANGE_AND_SIGHT},
         w.observed_at, w.lease_until > now() AND w.observed_at > now() - make_interval(secs => ${WATCHED_WITHIN_S}) AS watched,
         (SELECT json_agg(json_build_object('id', i.id, 'role', i.role, 'state', i.state, 'host', i.host_id,
                   'dataCenter', h.data_center_id, 'address', i.address, 'port', i.port,
                   'lagBytes', i.lag_bytes, 'lagSeconds', i.lag_seconds) ORDER BY i.role, i.id)
            FROM instances i JOIN hosts h ON h.id = i.host_id WHERE i.database_id = d.id) AS instances,
         (SELECT json_agg(json_build_object('id', k.instance_id || '-' || k.kept_id, 'instanceId', k.instance_id, 'host', k.host_id,
                   'keptAt', k.kept_at, 'sizeBytes', k.size_bytes) ORDER BY k.kept_at)
            FROM kept_copies k WHERE k.database_id = d.id) AS kept_copies
    FROM databases d LEFT JOIN watches w ON w.database_id = d.id`;

/** The state that people see, and how many standbys are in sync. */
export function stateOf(
  { plan, epoch, in_sync, provisioned_at, deleted_at, change, instances, sight, sight_seconds }: StateRow,
  meaningOf: DocumentParts['meaningOf'],
): { readonly state: DatabaseState; readonly inSync: number } {
  const members = instances ?? [];
  const primary = members.find(({ role }) => role === 'primary');
  const redundancy = seeRedundancy(in_sync, epoch, members, sight);
  const state = deriveState({
    deleted: deleted_at !== null,
    provisioned: provisioned_at !== null,
    change: change && meaningOf(change),
    primary: primary === undefined ? null : seeState(primary, sight),
    inSync: redundancy.seen.length,
    commitsWait: commitsWait(redundancy, sight_seconds ?? 0),
    standbys: isPlanId(plan) ? PLANS[plan].standbys : 1,
  });
  return { state, inSync: redundancy.seen.length };
}

function documentOf(row: DatabaseRow, { endpointOf, meaningOf }: DocumentParts): DatabaseDocument {
  const { state, inSync } = stateOf(row, meaningOf);
  const endpoint = endpointOf({ id: row.id, region: row.region_id, endpointSlot: row.endpoint_slot });
  return {
    id: row.id,
    customerId: row.customer_id,
    name: row.name,
    region: row.region_id,
    plan: row.plan,
    state,
    automation: row.automation_paused === null ? 'active' : 'paused',
    automationReason: row.automation_paused,
    postgresVersion: row.postgres_version,
    locale: row.locale,
    provider: row.locale_provider,
    epoch: row.epoch,
    inSync: inSync > 0,
    observedAt: row.observed_at?.toISOString() ?? null,
    watched: row.watched ?? false,
    endpoint: {
      host: endpoint.host, port: endpoint.port, database: row.endpoint_database, user: row.endpoint_user,
      ...endpointUris(endpoint, row.endpoint_database, row.endpoint_user),
    },
    instances: (row.instances ?? []).map((instance) => ({ ...instance, state: seeState(instance, row.sight) })),
    storage: storageOf(row),
    keptCopies: (row.kept_copies ?? []).map((copy) => ({ ...copy, keptAt: new Date(copy.keptAt).toISOString() })),
    createdAt: row.created_at.toISOString(),
    deletedAt: row.deleted_at?.toISOString() ?? null,
    purgeAt: row.purge_at?.toISOString() ?? null,
  };
}

function storageOf({ plan, storage_used_bytes: used, writing, writing_because: because }: DatabaseRow): StorageDocument {
  const usedBytes = used === null ? null : Number(used);
  const limitBytes = isPlanId(plan) ? PLANS[plan].diskGb * 2 ** 30 : 0;
  const warned = usedBytes !== null && usedBytes >= limitBytes * WARN_FROM;
  return { usedBytes, limitBytes, state: writing === 'open' ? (warned ? 'warning' : 'ok') : writing, because };
}
