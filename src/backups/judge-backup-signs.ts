import type { NewAlert } from '../operations/alerts.js';

/** What is known of a database's backups that may be worth an alert. */
export interface BackupSigns {
  readonly databaseId: string;
  /** Age of the newest backup with every copy, in seconds; of the database itself if it has none. */
  readonly backupAgeSeconds: number;
  /** Age of the newest proved backup, in seconds; of the database itself if it has none. */
  readonly proofAgeSeconds: number;
  /** What a proof found damaged, if no backup was proved since; a proof that failed for another reason is tried again. */
  readonly damage: string | null;
  /** WAL that waits to be archived; undefined if nobody could be asked. */
  readonly archive?: { readonly pendingBytes: number; readonly pendingSeconds: number; readonly sites: number } | undefined;
}

const HOUR_S = 3_600;
const DAY_S = 24 * HOUR_S;
const MIB = 2 ** 20;

/** The kinds of these alerts. */
export const BACKUP_ALERT_KINDS = ['backup', 'proof', 'archive', 'copy'] as const;

/** From which value on each is an alert: warning, critical. */
const LIMITS = {
  /** A day between two backups, and some hours to make one in. */
  backupAge: [DAY_S + 6 * HOUR_S, 2 * DAY_S + 6 * HOUR_S],
  /** Every backup is proved within a week (`design.md`, 3.5). */
  proofAge: [3 * DAY_S, 7 * DAY_S],
  pendingSeconds: [300, HOUR_S],
  pendingBytes: [256 * MIB, 1_024 * MIB],
} as const;

/** Judges what a database's backups look like; each alert is open or closed as a whole. */
export function judgeBackupSigns(signs: BackupSigns): { readonly raise: readonly NewAlert[]; readonly resolve: readonly string[] } {
  const { databaseId, archive } = signs;
  const found: (NewAlert | { readonly resolved: string })[] = [
    alert('backup', databaseId, severityOf(signs.backupAgeSeconds, LIMITS.backupAge), `the newest whole backup is ${hours(signs.backupAgeSeconds)} old`),
    signs.damage !== null
      ? alert('proof', databaseId, 'critical', `a backup did not restore: ${signs.damage}`)
      : alert('proof', databaseId, severityOf(signs.proofAgeSeconds, LIMITS.proofAge), `the newest backup that was proved is ${hours(signs.proofAgeSeconds)} old`),
  ];
  if (archive) {
    const severity = worst(severityOf(archive.pendingSeconds, LIMITS.pendingSeconds), severityOf(archive.pendingBytes, LIMITS.pendingBytes));
    const where = archive.sites === 0 ? 'no site can be used' : `${archive.sites} sites are in use`;
    found.push(alert('archive', databaseId, severity, `${Math.round(archive.pendingBytes / MIB)} MiB of WAL wait to be archived, the oldest for ${Math.round(archive.pendingSeconds)} s; ${where}`));
  }
  return { raise: found.filter((item): item is NewAlert => 'message' in item), resolve: found.flatMap((item) => ('resolved' in item ? [item.resolved] : [])) };
}

type Severity = NewAlert['severity'] | undefined;

function alert(kind: (typeof BACKUP_ALERT_KINDS)[number], subjectId: string, severity: Severity, message: string): NewAlert | { readonly resolved: string } {
  const key = `${kind}:${subjectId}`;
  return severity === undefined ? { resolved: key } : { key, kind, severity, subjectId, operationId: null, message };
}

function severityOf(value: number, [warning, critical]: readonly [number, number]): Severity {
  if (value >= critical) return 'critical';
  return value >= warning ? 'warning' : undefined;
}

const worst = (a: Severity, b: Severity): Severity => (a === 'critical' || b === 'critical' ? 'critical' : a ?? b);

const hours = (seconds: number): string => `${Math.round(seconds / HOUR_S)} h`;
