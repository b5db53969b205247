import { Command, Option } from 'commander';

import type { Outage, Uptime } from '../../../clients/typescript/src/client.js';
import { CliError, EXIT } from '../cli-error.js';
import { formatTable, print, printJson, printList, type Column } from '../output.js';
import { findDatabase } from './find-database.js';
import { collect, openSession, withApi } from './session.js';

const OUTAGES: readonly Column<Outage>[] = [
  ['ID', (outage) => outage.id],
  ['DATABASE', (outage) => outage.databaseId],
  ['STARTED', (outage) => outage.startedAt],
  ['ENDED', (outage) => outage.endedAt ?? 'goes on'],
  ['SECONDS', (outage) => outage.seconds],
  ['CAUSE', (outage) => outage.cause],
  ['PLANNED', (outage) => (outage.planned ? 'yes' : 'no')],
  ['REASON', (outage) => outage.reason],
];

const UPTIMES: readonly Column<{ readonly name: string; readonly uptime: Uptime }>[] = [
  ['OF', ({ name }) => name],
  ['MONTH', ({ uptime }) => uptime.month],
  ['UPTIME', ({ uptime }) => showShare(uptime.uptime)],
  ['DOWN', ({ uptime }) => showSeconds(uptime.downSeconds)],
  ['PLANNED', ({ uptime }) => showSeconds(uptime.plannedSeconds)],
  ['UNKNOWN', ({ uptime }) => showSeconds(uptime.unknownSeconds)],
  ['LEFT OF 99.9 %', ({ uptime }) => showSeconds(uptime.errorBudget.share.leftSeconds)],
  ['LEFT OF 45 MIN', ({ uptime }) => showSeconds(uptime.errorBudget.minutes.leftSeconds)],
  ['KEPT', ({ uptime }) => (uptime.errorBudget.kept === null ? '-' : uptime.errorBudget.kept ? 'yes' : 'no')],
];

interface Wanted {
  readonly month?: string;
  readonly database?: string;
  readonly region?: string;
}

/** `freehold uptime`, `freehold uptime report` and `freehold outages` */
export function uptimeCommands(): Command[] {
  return [
    new Command('uptime').description('what was promised, and what was measured')
      .addCommand(showCommand(), { isDefault: true }).addCommand(reportCommand()),
    new Command('outages').description('when databases could not be used, and why').addCommand(listOutages(), { isDefault: true }),
  ];
}

function showCommand(): Command {
  return withSubject(withMonth(withApi(new Command('show').description('the uptime of the platform, a region or a database in a month'))))
    .action(async ({ month, database, region }: Wanted, command: Command) => {
      if (database !== undefined && region !== undefined) throw new CliError('give --database or --region, not both', EXIT.usage);
      const { api, asJson } = openSession(command);
      const found = database === undefined ? undefined : await findDatabase(api, database);
      const uptime = await api.call('get', '/v1/uptime', {
        query: { ...(month && { month }), ...(found && { databaseId: found.id }), ...(region && { region }) },
      });
      if (asJson) printJson(uptime);
      else print(formatTable([{ name: found?.name ?? region ?? 'platform', uptime }], UPTIMES));
    });
}

function reportCommand(): Command {
  return withMonth(withApi(new Command('report').description("a customer's month: each of their databases, and each outage")))
    .requiredOption('--customer <id>', 'whose month')
    .action(async ({ customer, month }: { customer: string; month?: string }, command: Command) => {
      const { api, asJson } = openSession(command);
      const report = await api.call('get', '/v1/customers/{id}/sla-report', { path: { id: customer }, query: month ? { month } : {} });
      if (asJson) {
        printJson(report);
        return;
      }
      print(`${report.customer.name}, ${report.from} to ${report.to}`);
      print(formatTable([{ name: 'platform', uptime: report.platform }, ...report.databases], UPTIMES));
      print(report.outages.length === 0 ? 'no outages' : formatTable(report.outages, OUTAGES));
    });
}

function listOutages(): Command {
  return withSubject(withMonth(withApi(new Command('list').description('list outages, those that were found last first'))))
    .addOption(new Option('--cause <cause>', 'of this cause').choices(['host', 'data-center', 'operator', 'platform', 'customer']))
    .action(async ({ month, database, region, cause }: Wanted & { cause?: Outage['cause'] }, command: Command) => {
      const { api, asJson } = openSession(command);
      const databaseId = database === undefined ? undefined : (await findDatabase(api, database)).id;
      const query = { ...(month && { month }), ...(databaseId && { databaseId }), ...(region && { region }), ...(cause && { cause }) };
      printList(await collect(api.list('/v1/outages', { query })), OUTAGES, asJson);
    });
}

const withMonth = (command: Command): Command => command.option('--month <month>', 'such as 2026-11, in UTC');
const withSubject = (command: Command): Command =>
  command.option('--database <database>', 'its id, or its name').option('--region <region>', 'see freehold regions');

/** Cut and not rounded: what is not kept must not look as if it were. */
const showShare = (share: number | null): string => (share === null ? 'unknown' : `${(Math.floor(share * 1e6) / 1e4).toFixed(4)} %`);

function showSeconds(seconds: number): string {
  const rest = Math.abs(seconds);
  const [hours, minutes] = [Math.floor(rest / 3600), Math.floor((rest % 3600) / 60)];
  const text = [hours > 0 ? `${hours} h` : '', minutes > 0 ? `${minutes} min` : '', `${Math.round((rest % 60) * 10) / 10} s`];
  return `${seconds < 0 ? '-' : ''}${text.filter((part) => part !== '').join(' ')}`;
}
