import { Command } from 'commander';

import type { MaintenanceWindow } from '../../../clients/typescript/src/client.js';
import { CliError, EXIT } from '../cli-error.js';
import { print, printJson, printList, type Column } from '../output.js';
import { collect, openSession, withApi } from './session.js';

const MINUTE_MS = 60_000;
const LONGEST_MINUTES = 60;

/** As a clock on the wall of the region shows it. */
const localTime = (time: string, { timeZone }: MaintenanceWindow): string =>
  new Intl.DateTimeFormat('en-GB', {
    timeZone, weekday: 'short', year: 'numeric', month: 'short', day: '2-digit', hour: '2-digit', minute: '2-digit', timeZoneName: 'short',
  }).format(new Date(time));

const WINDOWS: readonly Column<MaintenanceWindow>[] = [
  ['ID', ({ id }) => id],
  ['WHERE', ({ region, host }) => host ?? region],
  ['STATE', ({ state, urgent }) => (urgent ? `${state}, urgent` : state)],
  ['BEGINS', ({ startsAt }) => startsAt],
  ['THERE', (window) => localTime(window.startsAt, window)],
  ['MINUTES', ({ startsAt, endsAt }) => Math.round((Date.parse(endsAt) - Date.parse(startsAt)) / MINUTE_MS)],
  ['REASON', ({ reason }) => reason],
];

interface PlanOptions {
  readonly region?: string;
  readonly host?: string;
  readonly at: string;
  readonly minutes: string;
  readonly reason?: string;
  readonly urgent?: boolean;
}

/** `freehold maintenance …` */
export function maintenanceCommands(): Command {
  const group = new Command('maintenance').description('windows in which operators may interrupt');
  withApi(group.command('list', { isDefault: true }).description('list windows, newest first'))
    .option('--region <region>', 'those of a region')
    .option('--state <state>', 'planned, running, ended or cancelled')
    .action(async ({ region, state }: { region?: string; state?: MaintenanceWindow['state'] }, command: Command) => {
      const { api, asJson } = openSession(command);
      const query = { ...(region !== undefined && { region }), ...(state !== undefined && { state }) };
      printList(await collect(api.list('/v1/maintenance-windows', { query })), WINDOWS, asJson);
    });
  withApi(group.command('plan').description('set time aside for work that interrupts'))
    .option('--region <region>', 'for a region')
    .option('--host <host>', 'for one host')
    .requiredOption('--at <time>', 'when it begins, such as 2026-12-05T02:00:00+01:00; of a time that is not allowed the nearest is told')
    .option('--minutes <minutes>', 'how long it is, an hour at most', String(LONGEST_MINUTES))
    .option('--reason <text>', 'shown to everybody; needed for an urgent one, and for a second one within two months')
    .option('--urgent', 'it cannot wait for a time that the service level allows')
    .action(async (options: PlanOptions, command: Command) => {
      const { api, asJson } = openSession(command);
      const window = await api.call('post', '/v1/maintenance-windows', { body: readWindow(options) });
      if (asJson) printJson(window);
      else print(`${window.id} begins ${localTime(window.startsAt, window)}`);
    });
  withApi(group.command('cancel').description('call a window off; one that runs ends at once').argument('<window>', 'its id'))
    .action(async (id: string, _options: unknown, command: Command) => {
      const { api, asJson } = openSession(command);
      const window = await api.call('delete', '/v1/maintenance-windows/{id}', { path: { id } });
      if (asJson) printJson(window);
      else print(`${window.id} is ${window.state}`);
    });
  return group;
}

/** @throws CliError if the time or the length is none */
function readWindow({ region, host, at, minutes, reason, urgent = false }: PlanOptions) {
  const startsAt = new Date(at);
  if (Number.isNaN(startsAt.getTime()) || !/(Z|[+-]\d\d:?\d\d)$/i.test(at)) {
    throw new CliError('--at is no time with an offset, such as 2026-12-05T02:00:00+01:00', EXIT.usage);
  }
  if (!/^\d+$/.test(minutes)) throw new CliError('--minutes is no whole number', EXIT.usage);
  return {
    ...(region !== undefined && { region }), ...(host !== undefined && { host }), ...(reason !== undefined && { reason }), urgent,
    startsAt: startsAt.toISOString(), endsAt: new Date(startsAt.getTime() + Number(minutes) * MINUTE_MS).toISOString(),
  };
}
