import { formatTable } from '../cli/output.js';

/** What the reconciliation found and decided; the process that does it prints this as JSON. */
export interface Reconciled {
  readonly databases: readonly {
    readonly id: string;
    readonly name: string;
    readonly finding: string;
    readonly primary: string | null;
    readonly epoch: { readonly recorded: number; readonly now: number };
    readonly paused: string | null;
  }[];
  readonly unknown: readonly {
    readonly id: string;
    readonly recordedAsDeleted: boolean;
    readonly instances: readonly { readonly hostId: string; readonly running: boolean }[];
  }[];
  readonly backups: { readonly made: number; readonly gone: number; readonly silentSites: readonly string[] };
  readonly endedOperations: readonly {
    readonly id: string;
    readonly kind: string;
    readonly databaseId: string | null;
    readonly step: string;
  }[];
}

/** What a restore of the metadata did. */
export interface MetadataReport extends Reconciled {
  /** Null where the metadata is in a database of the operator's own, who restored it. */
  readonly restored: {
    readonly site: string;
    readonly backup: string;
    readonly backupFinishedAt: string;
    readonly until: string | null;
    readonly passedOver: readonly string[];
  } | null;
  /** Where the metadata is that was there before; null if there was none. */
  readonly movedAside: string | null;
}

const FINDINGS: Readonly<Record<string, string>> = {
  'as-recorded': 'as recorded',
  moved: 'another primary',
  fenced: 'fenced, goes on',
  'no-primary': 'no primary',
  'two-primaries': 'two primaries',
  'no-files': 'nothing',
};

/** The report as people read it. */
export function describeReport({ restored, movedAside, databases, unknown, backups, endedOperations }: MetadataReport): string {
  const lines = [
    ...(restored
      ? [`The metadata is that of ${restored.until ?? restored.backupFinishedAt}, from backup ${restored.backup} at ${restored.site}.`]
      : []),
    ...(restored?.passedOver ?? []).map((reason) => `Passed over: ${reason}`),
    ...(movedAside === null ? [] : [`What was there before is in ${movedAside}.`]),
    '',
    databases.length === 0 ? 'It knows no database.' : formatTable(databases, [
      ['DATABASE', ({ id }) => id],
      ['NAME', ({ name }) => name],
      ['FOUND', ({ finding }) => FINDINGS[finding] ?? finding],
      ['PRIMARY', ({ primary }) => primary],
      ['EPOCH', ({ epoch }) => (epoch.recorded === epoch.now ? epoch.now : `${epoch.recorded} -> ${epoch.now}`)],
      ['AUTOMATION', ({ paused }) => (paused === null ? 'active' : `paused: ${paused}`)],
    ]),
  ];
  if (backups.made > 0 || backups.gone > 0) {
    lines.push('', `${backups.made} backups were made since, and ${backups.gone} copies of others were removed.`);
  }
  if (backups.silentSites.length > 0) {
    lines.push('', `Not asked for their backups, since they did not answer: ${backups.silentSites.join(', ')}`);
  }
  if (unknown.length > 0) lines.push('', 'Found, and left as they are:', ...unknown.map(describeUnknown));
  const ended = endedOperations.map(({ id, kind, databaseId, step }) => `  ${kind} ${id} of ${databaseId ?? 'the fleet'}, at ${step}`);
  if (ended.length > 0) lines.push('', 'Ended as failed, to be asked for again where they are still wanted:', ...ended);
  return [...lines, '', 'Start the control plane with freehold up.'].join('\n');
}

function describeUnknown({ id, recordedAsDeleted, instances }: MetadataReport['unknown'][number]): string {
  const where = instances.map(({ hostId, running }) => `${hostId}${running ? '' : ' (down)'}`).join(', ');
  return `  ${id} on ${where}, which the metadata ${recordedAsDeleted ? 'has as deleted' : 'does not know'}`;
}
