import type { InstanceInspection, SlotInspection, StandbyObservation } from '../engine/ports.js';

/** An instance as its last inspection showed it. */
export interface MemberSigns {
  readonly instanceId: string;
  readonly hostId: string;
  readonly role: 'primary' | 'standby';
  readonly state: string;
  /** Undefined if it could not be inspected: then nothing new is said of it, and nothing is taken back. */
  readonly inspection: InstanceInspection | undefined;
  /** Of a standby: for how long its primary has not seen it stream; 0 while it does, undefined if the primary could not be asked. */
  readonly awaySeconds: number | undefined;
}

export interface DatabaseSigns {
  readonly databaseId: string;
  readonly members: readonly MemberSigns[];
}

export interface SignLimits {
  /** How far a standby may be behind, or away. */
  readonly lagSeconds: number;
  readonly transactionSeconds: number;
}

export const SIGN_KINDS = ['replication', 'lag', 'slot', 'wal', 'disk', 'transaction'] as const;
type SignKind = (typeof SIGN_KINDS)[number];
type Severity = 'warning' | 'critical';

export interface OpenAlert {
  readonly key: string;
  readonly severity: Severity;
  readonly subjectId: string | null;
}

export interface SignAlert {
  readonly key: string;
  readonly kind: SignKind;
  readonly severity: Severity;
  /** The database; the host for a disk that many share. */
  readonly subjectId: string;
  readonly message: string;
}

export interface SignJudgement {
  readonly raise: readonly SignAlert[];
  /** Keys of alerts whose cause is gone. */
  readonly resolve: readonly string[];
}

/** One thing that is measured, and from where on it is a trouble. It stays one until it is below `clearBelow`. */
interface Gauge {
  readonly kind: SignKind;
  readonly about: string;
  readonly subjectId: string;
  /** Undefined if it could not be measured: the alert stays as it is. */
  readonly value: number | undefined;
  readonly raiseAt: number;
  readonly clearBelow: number;
  /** From here on it is critical, and stays so until it is cleared. */
  readonly criticalAt: number;
  readonly message: string;
}

/** WAL that a standby may lack: what a busy minute writes. */
const LAG_BYTES = 64 * 2 ** 20;

/** Decides which alerts to open, and which to close, from what was inspected of one database and what is open already. */
export function judgeSigns(signs: DatabaseSigns, limits: SignLimits, open: readonly OpenAlert[]): SignJudgement {
  const known = new Map(open.map((alert) => [alert.key, alert.severity]));
  const raise: SignAlert[] = [];
  const stays = new Set<string>();
  const judged = new Set<string>();
  for (const gauge of gaugesOf(signs, limits)) {
    const key = `${gauge.kind}:${gauge.about}`;
    judged.add(key);
    const before = known.get(key);
    const severity = gauge.value === undefined ? before : severityOf(gauge.value, gauge, before);
    if (severity === undefined) continue;
    stays.add(key);
    if (severity !== before) raise.push({ key, kind: gauge.kind, severity, subjectId: gauge.subjectId, message: gauge.message });
  }
  // What is not measured any more, such as the lag of a standby that was replaced, is no trouble either.
  const resolve = open.filter(({ key, subjectId }) => (subjectId === signs.databaseId || judged.has(key)) && !stays.has(key)).map(({ key }) => key);
  return { raise, resolve };
}

export interface MemberLag {
  readonly id: string;
  readonly lagBytes: number | null;
  readonly lagSeconds: number | null;
}

/** How far each standby is behind, for people to see; one that is away is behind by what is kept for it. */
export function measureLags({ members }: DatabaseSigns): MemberLag[] {
  return members.flatMap(({ instanceId: id, role, awaySeconds }): MemberLag[] => {
    if (role === 'primary') return [{ id, lagBytes: null, lagSeconds: null }];
    const { standby, slot } = seenByPrimary(members, id);
    if (standby) return [{ id, lagBytes: standby.lagBytes, lagSeconds: standby.lagSeconds }];
    return awaySeconds === undefined ? [] : [{ id, lagBytes: slot?.keptBytes ?? null, lagSeconds: awaySeconds }];
  });
}

function severityOf(value: number, { raiseAt, clearBelow, criticalAt }: Gauge, before: Severity | undefined): Severity | undefined {
  if (value < (before === undefined ? raiseAt : clearBelow)) return undefined;
  return value >= criticalAt || before === 'critical' ? 'critical' : 'warning';
}

function gaugesOf(signs: DatabaseSigns, limits: SignLimits): Gauge[] {
  return signs.members.flatMap((member) => [
    ...(member.role === 'standby' ? standbyGauges(signs, member, limits) : [transactionGauge(signs.databaseId, member, limits)]),
    ...slotGauges(signs, member),
    walGauge(signs.databaseId, member),
    diskGauge(signs.databaseId, member),
  ]);
}

function standbyGauges({ databaseId, members }: DatabaseSigns, { instanceId, state, awaySeconds }: MemberSigns, limits: SignLimits): Gauge[] {
  const { standby } = seenByPrimary(members, instanceId);
  const { lagBytes = 0, lagSeconds = 0 } = standby ?? {};
  const planned = state !== 'running';
  const about = `${databaseId}:${instanceId}`;
  return [
    {
      kind: 'replication', about, subjectId: databaseId, value: awaySeconds,
      // One that is being made anew is away for as long as a copy takes.
      raiseAt: limits.lagSeconds, clearBelow: Number.MIN_VALUE, criticalAt: planned ? Infinity : limits.lagSeconds,
      message: `standby ${instanceId} has not been streaming for ${Math.round(awaySeconds ?? 0)} s (its state: ${state})`,
    },
    {
      kind: 'lag', about, subjectId: databaseId, value: standby && Math.max(lagBytes / LAG_BYTES, lagSeconds / limits.lagSeconds),
      raiseAt: 1, clearBelow: 0.5, criticalAt: 20, message: `standby ${instanceId} is ${mebibytes(lagBytes)} and ${Math.round(lagSeconds)} s behind its primary`,
    },
  ];
}

function transactionGauge(databaseId: string, { instanceId, inspection }: MemberSigns, { transactionSeconds }: SignLimits): Gauge {
  const oldest = inspection?.oldestTransaction;
  return {
    kind: 'transaction', about: databaseId, subjectId: databaseId, value: inspection && (oldest?.seconds ?? 0) / transactionSeconds,
    raiseAt: 1, clearBelow: 1, criticalAt: 24,
    message: `a transaction has been open for ${Math.round(oldest?.seconds ?? 0)} s (process ${oldest?.pid ?? '-'} of ${instanceId}): it keeps vacuum from removing what is dead`,
  };
}

function slotGauges({ databaseId, members }: DatabaseSigns, { instanceId, inspection }: MemberSigns): Gauge[] {
  // Without an inspection nobody knows which slots there are; one for each other instance of the database is what there may be.
  if (!inspection) {
    const slots = members.map((member): SlotInspection => ({ name: slotOf(member.instanceId), active: false, status: 'reserved', keptBytes: null, limitBytes: null }));
    return slots.map((slot) => ({ ...slotGauge(databaseId, instanceId, slot), value: undefined }));
  }
  return inspection.slots.map((slot) => slotGauge(databaseId, instanceId, slot));
}

/** A slot is near its limit at four fifths of it; past the limit the WAL that its standby needs is removed. */
function slotGauge(databaseId: string, instanceId: string, { name, status, keptBytes, limitBytes }: SlotInspection): Gauge {
  const over = status === 'unreserved' || status === 'lost';
  return {
    kind: 'slot', about: `${databaseId}:${instanceId}:${name}`, subjectId: databaseId,
    value: over ? 1 : limitBytes === null ? 0 : (keptBytes ?? 0) / limitBytes,
    raiseAt: 0.8, clearBelow: 0.5, criticalAt: 1,
    message: status === 'lost'
      ? `slot ${name} on ${instanceId} is lost, and keeps nothing for its standby any more, which gets a new one or is copied anew`
      : `slot ${name} on ${instanceId} keeps ${mebibytes(keptBytes ?? 0)} of WAL, and may keep ${mebibytes(limitBytes ?? 0)}`,
  };
}

/** WAL beyond what the settings explain, twice over: something keeps it, such as a slot or an archive that does not take it. */
function walGauge(databaseId: string, { instanceId, inspection }: MemberSigns): Gauge {
  const { bytes = 0, usualBytes = 1 } = inspection?.wal ?? {};
  return {
    kind: 'wal', about: `${databaseId}:${instanceId}`, subjectId: databaseId, value: inspection && bytes / usualBytes,
    raiseAt: 2, clearBelow: 1.5, criticalAt: 4, message: `${instanceId} has ${mebibytes(bytes)} of WAL on disk, where ${mebibytes(usualBytes)} are usual`,
  };
}

function diskGauge(databaseId: string, { instanceId, hostId, inspection }: MemberSigns): Gauge {
  const { usedBytes = 0, freeBytes = 1, own = true } = inspection?.disk ?? {};
  const used = usedBytes / (usedBytes + freeBytes);
  return {
    // A disk that many share is one trouble, and not one of each.
    kind: 'disk', about: own ? `${databaseId}:${instanceId}` : hostId, subjectId: own ? databaseId : hostId, value: inspection && used,
    raiseAt: 0.85, clearBelow: 0.8, criticalAt: 0.95,
    message: `the disk of ${own ? instanceId : `host ${hostId}`} is ${Math.round(used * 100)} % full: ${mebibytes(freeBytes)} are free`,
  };
}

function seenByPrimary(members: readonly MemberSigns[], standbyId: string): { standby: StandbyObservation | undefined; slot: SlotInspection | undefined } {
  const primary = members.find(({ role }) => role === 'primary')?.inspection;
  return {
    standby: primary?.standbys.find(({ instanceId }) => instanceId === standbyId),
    slot: primary?.slots.find(({ name }) => name === slotOf(standbyId)),
  };
}

/** See the id of an `InstanceRef`. */
/** The standbys whose slot on the primary was lost. */
export function findSlotless(members: readonly MemberSigns[]): string[] {
  return members.filter(({ role, instanceId }) => role === 'standby' && seenByPrimary(members, instanceId).slot?.status === 'lost').map(({ instanceId }) => instanceId);
}

const slotOf = (instanceId: string): string => instanceId.toLowerCase();

const mebibytes = (bytes: number): string => `${Math.round(bytes / 2 ** 20)} MiB`;
