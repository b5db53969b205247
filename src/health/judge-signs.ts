import type { InstanceInspection, OldestTransaction, SlotInspection, StandbyObservation } from '../engine/ports.js';
import { slotName } from '../engine/slot-name.js';

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
  /** The kind of the exclusive operation that runs, if any: it may take standbys away, and brings them back. */
  readonly underWay: string | null;
  readonly automationPaused: boolean;
}

export interface SignLimits {
  /** How far a standby may be behind, or away. */
  readonly lagSeconds: number;
  readonly transactionSeconds: number;
}

export const SIGN_KINDS = ['replication', 'lag', 'slot', 'wal', 'disk', 'transaction', 'vacuum'] as const;
type SignKind = (typeof SIGN_KINDS)[number];
type Severity = 'warning' | 'critical';

export interface OpenAlert {
  readonly key: string;
  readonly severity: Severity;
  readonly action: SignAlert['action'];
  readonly subjectId: string | null;
}

export interface SignAlert {
  readonly key: string;
  readonly kind: SignKind;
  readonly severity: Severity;
  /** The database; the host for a disk that many share. */
  readonly subjectId: string;
  readonly message: string;
  readonly action: 'required' | 'none';
  readonly advice: string;
}

export interface SignJudgement {
  readonly raise: readonly SignAlert[];
  /** What is over its limit for the first time, and may be a burst: it is raised if it still is at the next inspection. */
  readonly suspected: readonly string[];
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
  /** Whether it comes and goes with a burst of writes. */
  readonly bursts?: boolean;
  readonly message: string;
  readonly heals: boolean;
  readonly advice: string;
}

/** WAL that a standby may lack: what a busy minute writes. */
const LAG_BYTES = 64 * 2 ** 20;

/** Decides which alerts to open, and which to close, from what was inspected of one database and what is open already. */
export function judgeSigns(
  signs: DatabaseSigns, limits: SignLimits, open: readonly OpenAlert[], suspected: ReadonlySet<string> = new Set(),
): SignJudgement {
  const known = new Map(open.map((alert) => [alert.key, alert]));
  const raise: SignAlert[] = [];
  const suspects: string[] = [];
  const stays = new Set<string>();
  const judged = new Set<string>();
  for (const gauge of gaugesOf(signs, limits)) {
    const key = `${gauge.kind}:${gauge.about}`;
    judged.add(key);
    const before = known.get(key)?.severity;
    const severity = gauge.value === undefined ? before : severityOf(gauge.value, gauge, before);
    if (severity === undefined) continue;
    if (gauge.bursts && before === undefined && !suspected.has(key)) {
      suspects.push(key);
      continue;
    }
    stays.add(key);
    const action = gauge.heals ? 'none' : 'required';
    const isTold = severity === before && (gauge.value === undefined || action === known.get(key)?.action);
    if (!isTold) {
      raise.push({ key, kind: gauge.kind, severity, subjectId: gauge.subjectId, message: gauge.message, action, advice: gauge.advice });
    }
  }
  // What is not measured any more, such as the lag of a standby that was replaced, is no trouble either.
  const resolve = open.filter(({ key, subjectId }) => (subjectId === signs.databaseId || judged.has(key)) && !stays.has(key))
    .map(({ key }) => key);
  return { raise, resolve, suspected: suspects };
}

export interface MemberLag {
  readonly id: string;
  readonly lagBytes: number | null;
  readonly lagSeconds: number | null;
}

/** How far each standby is behind, for people to see; a standby that is away is behind by the WAL that is kept for it. */
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
    ...(member.role === 'standby'
      ? standbyGauges(signs, member, limits)
      : [transactionGauge(signs.databaseId, member, limits), vacuumGauge(signs.databaseId, member)]),
    ...slotGauges(signs, member),
    walGauge(signs.databaseId, member),
    diskGauge(signs.databaseId, member),
  ]);
}

/** A standby that an operation takes away or brings back is away for as long as that takes: a rewind takes seconds, a copy minutes. */
const REBUILT_WITHIN = 10;

function standbyGauges(
  { databaseId, members, underWay, automationPaused }: DatabaseSigns, { instanceId, state, awaySeconds }: MemberSigns, limits: SignLimits,
): Gauge[] {
  const { standby } = seenByPrimary(members, instanceId);
  const { lagBytes = 0, lagSeconds = 0 } = standby ?? {};
  const atWork = underWay !== null;
  const about = `${databaseId}:${instanceId}`;
  return [
    {
      kind: 'replication', about, subjectId: databaseId, value: awaySeconds,
      raiseAt: atWork ? REBUILT_WITHIN * limits.lagSeconds : limits.lagSeconds, clearBelow: Number.MIN_VALUE,
      criticalAt: atWork || state !== 'running' ? Infinity : limits.lagSeconds,
      message: `standby ${instanceId} has not been streaming for ${Math.round(awaySeconds ?? 0)} s (its state: ${state})`,
      heals: atWork,
      advice: atWork ? `operation ${underWay} brings it back; look at its steps if that takes too long`
        : automationPaused ? 'automation is paused, so that nobody brings it back: resume it'
          : 'look at its host, and at the newest operation of the database: until it is back a failover has nobody to go to',
    },
    {
      // A standby that is being brought back has to catch up first.
      kind: 'lag', about, subjectId: databaseId,
      value: atWork ? undefined : standby && Math.max(lagBytes / LAG_BYTES, lagSeconds / limits.lagSeconds),
      raiseAt: 1, clearBelow: 0.5, criticalAt: 20, bursts: true, heals: true,
      advice: 'it catches up by itself when less is written; if it stays, look at the disk of its host and at the network to it',
      message: `standby ${instanceId} is ${mebibytes(lagBytes)} and ${Math.round(lagSeconds)} s behind its primary`,
    },
  ];
}

function transactionGauge(databaseId: string, { instanceId, inspection }: MemberSigns, { transactionSeconds }: SignLimits): Gauge {
  const oldest = inspection?.oldestTransaction;
  return {
    kind: 'transaction', about: databaseId, subjectId: databaseId, value: inspection && (oldest?.seconds ?? 0) / transactionSeconds,
    raiseAt: 1, clearBelow: 1, criticalAt: 24, heals: false, advice: ADVICE_ON_TRANSACTION[oldest?.by ?? 'customer'],
    message: oldest
      ? `${describeTransaction(oldest, instanceId)}: as long as it lasts, vacuum removes nothing that was deleted since, and `
        + 'changes to tables that it has read wait'
      : '',
  };
}

const ADVICE_ON_TRANSACTION = {
  customer: 'ask the customer to end it, or end that process with pg_terminate_backend',
  dump: 'wait for the download, which is ended if it stalls, or end that process with pg_terminate_backend',
  control: 'look at the newest operation of the database; end that process with pg_terminate_backend if none needs it',
  prepared: 'ask the customer to commit it or roll it back',
} as const;

/** A name that a customer gave may hold anything. */
const shown = (name: string): string => name.replaceAll(/\p{C}/gu, '?').slice(0, 100);

function describeTransaction({ by, pid, seconds, user, name: given }: OldestTransaction, instanceId: string): string {
  const name = shown(given);
  const since = `has been open for ${Math.round(seconds)} s`;
  const process = `process ${pid ?? '-'} of ${instanceId}`;
  switch (by) {
    case 'prepared': return `the prepared transaction "${name}" of "${user}" on ${instanceId} ${since}, `
      + 'until somebody commits it or rolls it back';
    case 'dump': return `the transaction of a dump ${since} (${process})`;
    case 'control': return `a transaction of the control plane's ${since} (${process}, "${name}")`;
    case 'customer': return `a transaction ${since} (${process}, of "${user}"${name === '' ? '' : ` in "${name}"`})`;
  }
}

/** So many transactions have left behind what a busy table feels. */
const HELD_BACK_TRANSACTIONS = 1_000_000;

/** What has no time of its own: a slot's snapshot, or a standby's, is as old as the transactions that have begun since. */
function vacuumGauge(databaseId: string, { instanceId, inspection }: MemberSigns): Gauge {
  const { by = 'slot', name = '', transactions = 0 } = inspection?.heldBack ?? {};
  return {
    kind: 'vacuum', about: databaseId, subjectId: databaseId, value: inspection && transactions / HELD_BACK_TRANSACTIONS,
    raiseAt: 1, clearBelow: 0.5, criticalAt: 24, heals: false,
    advice: 'find out why that slot, or standby, is behind: vacuum removes nothing that it needs',
    message: `${by} ${name} on ${instanceId} holds back vacuum: it needs what was deleted in the last ${transactions} transactions`,
  };
}

function slotGauges({ databaseId, members }: DatabaseSigns, { instanceId, inspection }: MemberSigns): Gauge[] {
  // Without an inspection nobody knows which slots there are; one for each other instance of the database is what there may be.
  if (!inspection) {
    const slots = members.map((member): SlotInspection => ({
      name: slotName(member.instanceId), active: false, status: 'reserved', keptBytes: null, limitBytes: null,
    }));
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
    raiseAt: 0.8, clearBelow: 0.5, criticalAt: 1, heals: over,
    advice: over
      ? 'its standby is copied anew by itself'
      : 'find out why its standby does not follow: past the limit it has to be copied anew',
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
    raiseAt: 2, clearBelow: 1.5, criticalAt: 4, bursts: true, heals: false,
    advice: 'find out what keeps it, before the disk is full: an archive that does not take it, or a slot whose standby does not follow',
    message: `${instanceId} has ${mebibytes(bytes)} of WAL on disk, where ${mebibytes(usualBytes)} are usual`,
  };
}

function diskGauge(databaseId: string, { instanceId, hostId, inspection }: MemberSigns): Gauge {
  const { usedBytes = 0, freeBytes = 1, own = true } = inspection?.disk ?? {};
  const used = usedBytes / (usedBytes + freeBytes);
  return {
    // A disk that many share is one trouble, and not one of each.
    kind: 'disk', about: own ? `${databaseId}:${instanceId}` : hostId, subjectId: own ? databaseId : hostId, value: inspection && used,
    raiseAt: 0.85, clearBelow: 0.8, criticalAt: 0.95, heals: false,
    advice: 'make room, or move databases to another host: a full disk ends the primary',
    message: `the disk of ${own ? instanceId : `host ${hostId}`} is ${Math.round(used * 100)} % full: ${mebibytes(freeBytes)} are free`,
  };
}

function seenByPrimary(
  members: readonly MemberSigns[], standbyId: string,
): { standby: StandbyObservation | undefined; slot: SlotInspection | undefined } {
  const primary = members.find(({ role }) => role === 'primary')?.inspection;
  return {
    standby: primary?.standbys.find(({ instanceId }) => instanceId === standbyId),
    slot: primary?.slots.find(({ name }) => name === slotName(standbyId)),
  };
}

/** See the id of an `InstanceRef`. */
/** The standbys whose slot on the primary was lost. */
export function findSlotless(members: readonly MemberSigns[]): string[] {
  return members.filter(({ role, instanceId }) => role === 'standby' && seenByPrimary(members, instanceId).slot?.status === 'lost')
    .map(({ instanceId }) => instanceId);
}

const mebibytes = (bytes: number): string => `${Math.round(bytes / 2 ** 20)} MiB`;
