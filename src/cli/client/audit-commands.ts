import { createWriteStream } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { pipeline } from 'node:stream/promises';
import { Command, Option } from 'commander';

import type { AuditEvent, AuditVerification } from '../../../clients/typescript/src/client.js';
import { errorCode } from '../../base/error-code.js';
import { CliError, EXIT } from '../cli-error.js';
import { formatTable, note, print, printJson, printList, type Column } from '../output.js';
import { openSession, withApi } from './session.js';

const EVENTS: readonly Column<AuditEvent>[] = [
  ['AT', (event) => event.at],
  ['ACTOR', (event) => event.actor],
  ['ACTION', (event) => event.action],
  ['RESULT', (event) => event.result],
  ['SUBJECT', (event) => event.subjectId],
  ['OPERATION', (event) => event.operationId],
  ['FROM', (event) => event.address],
];

const FINDINGS: readonly Column<AuditVerification['findings'][number]>[] = [
  ['KIND', (finding) => finding.kind],
  ['ENTRY', (finding) => finding.sequence],
  ['ID', (finding) => finding.eventId],
  ['FOUND', (finding) => finding.detail],
];

/** A verification reads everything. */
const VERIFIED_WITHIN_MS = 30 * 60_000;
/** The newest say most: each holds all that was there before it. */
const ANCHORS_SENT = 20;

interface Filters {
  readonly action?: string;
  readonly actor?: string;
  readonly subject?: string;
  readonly database?: string;
  readonly result?: 'done' | 'refused';
  readonly since?: string;
  readonly until?: string;
}

/** `freehold audit …` */
export function auditCommands(): Command {
  const group = new Command('audit').description('who did what, and what was refused');
  withFilters(group.command('list').description('list the newest'))
    .option('--limit <n>', 'how many at most', '50')
    .action(async ({ limit, ...filters }: Filters & { limit: string }, command: Command) => {
      if (!/^[1-9]\d{0,5}$/.test(limit)) throw new CliError(`--limit takes a number, and not "${limit}"`, EXIT.usage);
      const { api, asJson } = openSession(command);
      const events: AuditEvent[] = [];
      for await (const event of api.list('/v1/audit-events', { query: queryOf(filters) })) {
        if (events.push(event) === Number(limit)) break;
      }
      printList(events, EVENTS, asJson);
    });
  withFilters(group.command('export').description('write all of them, oldest first, to standard output or a file'))
    .addOption(new Option('--format <format>', 'a line of JSON each, or CSV').choices(['ndjson', 'csv']).default('ndjson'))
    .option('--output <file>', 'write it there')
    .action(async ({ format, output, ...filters }: Filters & { format: 'ndjson' | 'csv'; output?: string }, command: Command) => {
      const { api } = openSession(command);
      const lines = await api.exportAuditEvents({ ...queryOf(filters), format });
      await pipeline(lines, output === undefined ? process.stdout : createWriteStream(output, { mode: 0o600 }))
        .catch((error: unknown) => {
          throw new CliError(`the export was cut off and is not whole: ${errorCode(error) ?? String(error)}; begin again`);
        });
    });
  withApi(group.command('verify').description('find out whether anything was changed, removed, inserted or reordered'))
    .option('--anchors <file>', 'published hashes that you kept elsewhere, as they are in audit-anchors.jsonl or the worker\'s log')
    .action(verify);
  return group;
}

function withFilters(command: Command): Command {
  return withApi(command)
    .option('--action <action>', 'such as database.delete')
    .option('--actor <id>', 'by this credential, or part of Freehold')
    .option('--subject <id>', 'to this thing')
    .option('--database <id>', 'about this database')
    .addOption(new Option('--result <result>', 'what was done, or what was refused').choices(['done', 'refused']))
    .option('--since <time>', 'at this time or later, such as 2026-11-24T10:15:00+01:00')
    .option('--until <time>', 'before this time');
}

function queryOf({ action, actor, subject, database, result, since, until }: Filters) {
  return {
    ...(action !== undefined && { action }), ...(actor !== undefined && { actor }), ...(subject !== undefined && { subjectId: subject }),
    ...(database !== undefined && { databaseId: database }), ...(result !== undefined && { result }),
    ...(since !== undefined && { since }), ...(until !== undefined && { until }),
  };
}

async function verify({ anchors }: { anchors?: string }, command: Command): Promise<void> {
  const { api, asJson } = openSession(command, { timeoutMs: VERIFIED_WITHIN_MS });
  const given = anchors === undefined ? undefined : await readAnchors(anchors);
  const found = await api.call('get', '/v1/audit-events/verification', { query: { ...(given !== undefined && { anchors: given }) } });
  if (asJson) printJson(found);
  else describe(found);
  if (!found.valid) throw new CliError('the audit is not what it was', EXIT.failed);
}

function describe({ valid, entries, waiting, hash, anchors, findings, findingsInAll }: AuditVerification): void {
  print(`${entries} entries, ${anchors.kept} published hashes; the last hash is ${hash}`);
  if (waiting > 0) note(`${waiting} entries are too new to have a place in the chain`);
  if (anchors.void > 0) note(`${anchors.void} published hashes were taken back by a restore of the metadata, which is in the audit`);
  if (anchors.unreadable > 0) note(`${anchors.unreadable} lines of the file of published hashes cannot be read`);
  if (valid) print('nothing was changed');
  else print(`\n${formatTable(findings, FINDINGS)}`);
  if (findingsInAll > findings.length) print(`and ${findingsInAll - findings.length} more`);
}

/** From lines of JSON that have a `sequence` and a `hash`, as the file of hashes and the worker's log have. */
async function readAnchors(path: string): Promise<string> {
  const text = await readFile(path, 'utf8').catch((error: unknown) => {
    throw new CliError(`${path} cannot be read: ${errorCode(error) ?? String(error)}`, EXIT.usage);
  });
  const anchors = text.split('\n').flatMap((line) => {
    const [, sequence] = /"sequence":(\d{1,15})\b/.exec(line) ?? [];
    const [, hash] = /"hash":"([0-9a-f]{64})"/.exec(line) ?? [];
    const [, time] = /"(?:at|time)":"([0-9T:.-]+Z)"/.exec(line) ?? [];
    return sequence === undefined || hash === undefined ? [] : [`${sequence}:${hash}${time === undefined ? '' : `@${time}`}`];
  });
  if (anchors.length === 0) throw new CliError(`${path} holds no published hash`, EXIT.usage);
  return anchors.slice(-ANCHORS_SENT).join(',');
}
