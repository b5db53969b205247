import type { NewAlert } from '../../operations/alerts.js';

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

/**
 * Much WAL is a trouble when it does not drain. A new primary sends again what it has from before its promotion, some
 * hundred MiB at once, and a bulk load makes as much in seconds.
 */
const DRAINS_WITHIN_S = 120;

/** Judges what a database's backups look like; each alert is open or closed as a whole. */
export function judgeBackupSigns(signs: BackupSigns): { readonly raise: readonly NewAlert[]; readonly resolve: readonly string[] } {
  const { databaseId, archive } = signs;
  const found: (NewAlert | { readonly resolved: string })[] = [
    alert(
      'backup', databaseId, severityOf(signs.backupAgeSeconds, LIMITS.backupAge),
      `the newest whole backup is ${hours(signs.backupAgeSeconds)} old`,
      required('look at the newest back-up operation of the database: its error says why none was finished'),
    ),
    signs.damage !== null
      ? alert(
        'proof', databaseId, 'critical', `a backup did not restore: ${signs.damage}`,
        required('another backup is made and proved by itself; look at what the site stores, since a restore may need this one'),
      )
      : alert(
        'proof', databaseId, severityOf(signs.proofAgeSeconds, LIMITS.proofAge),
        `the newest backup that was proved is ${hours(signs.proofAgeSeconds)} old`,
        required('look at the newest prove-backup operation of the database: its error says why none was proved'),
      ),
  ];
  if (archive) {
    const bySize = archive.pendingSeconds >= DRAINS_WITHIN_S ? severityOf(archive.pendingBytes, LIMITS.pendingBytes) : undefined;
    const severity = worst(severityOf(archive.pendingSeconds, LIMITS.pendingSeconds), bySize);
    const where = archive.sites === 0 ? 'no site can be used' : `${archive.sites} sites are in use`;
    found.push(alert(
      'archive', databaseId, severity,
      `${Math.round(archive.pendingBytes / MIB)} MiB of WAL wait to be archived, `
        + `the oldest for ${Math.round(archive.pendingSeconds)} s; ${where}`,
      severity === 'critical' || archive.sites === 0
        ? required('look at the backup sites: WAL is given up when its disk would fill, and a restore then needs a newer backup')
        : heals('it drains by itself; if it grows, look at the speed of the backup sites'),
    ));
  }
  return {
    raise: found.filter((item): item is NewAlert => 'message' in item),
    resolve: found.flatMap((item) => ('resolved' in item ? [item.resolved] : [])),
  };
}

type Severity = NewAlert['severity'] | undefined;
type Remedy = Pick<NewAlert, 'action' | 'advice'>;

const required = (advice: string): Remedy => ({ action: 'required', advice });
const heals = (advice: string): Remedy => ({ action: 'none', advice });

function alert(
  kind: (typeof BACKUP_ALERT_KINDS)[number], subjectId: string, severity: Severity, message: string, remedy: Remedy,
): NewAlert | { readonly resolved: string } {
  const key = `${kind}:${subjectId}`;
  return severity === undefined ? { resolved: key } : { key, kind, severity, subjectId, operationId: null, message, ...remedy };
}

function severityOf(value: number, [warning, critical]: readonly [number, number]): Severity {
  if (value >= critical) return 'critical';
  return value >= warning ? 'warning' : undefined;
}

const worst = (a: Severity, b: Severity): Severity => (a === 'critical' || b === 'critical' ? 'critical' : a ?? b);

const hours = (seconds: number): string => `${Math.round(seconds / HOUR_S)} h`;
