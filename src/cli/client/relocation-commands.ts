import { Command } from 'commander';

import type { Host, MovePlan } from '../../../clients/typescript/src/client.js';
import { formatTable, note, print, printJson, type Column } from '../output.js';
import { CliError } from '../cli-error.js';
import { minutesToEnd, withTransactions } from './end-transactions.js';
import { finishOperation } from './finish-operation.js';
import { listCommand } from './list-commands.js';
import { MOVES, endedOutagesOf, ENDED_OUTAGES, reportMoves } from './show-moves.js';
import { openSession, withApi } from './session.js';

const HOSTS: readonly Column<Host>[] = [
  ['ID', (host) => host.id],
  ['REGION', (host) => host.region],
  ['DATA CENTRE', (host) => host.dataCenter],
  ['ADDRESS', (host) => host.address],
  ['STATE', (host) => host.state],
  ['INSTANCES', (host) => host.instances],
  ['MEMORY PROMISED', (host) => `${host.promisedMb} of ${host.memoryMb} MiB`],
  ['AT REST', (host) => host.encryptedAtRest],
];

const PLANNED: readonly Column<MovePlan['moves'][number]>[] = [
  ['DATABASE', (move) => move.databaseId],
  ['INSTANCE', (move) => move.instanceId],
  ['ROLE', (move) => move.role],
  ['FROM', (move) => move.hostId],
  ['TO', (move) => move.to ?? 'no room'],
  ['BY', (move) => (move.by === 'switchover' ? 'switchover, then relocate' : move.by)],
  ['MAY LOSE', (move) => move.mayLose],
  ['FROM BACKUP', (move) => (move.source ? `${move.source.backupId} at ${move.source.site}` : '-')],
];

interface MoveOptions {
  readonly plan?: boolean;
  readonly acceptDataLoss?: boolean;
  readonly endTransactionsAfter?: string;
  readonly wait: boolean;
}

/** `freehold hosts …` and `freehold data-centers evacuate` */
export function relocationCommands(): Command[] {
  const hosts = new Command('hosts').description('the machines of the fleet').addCommand(listCommand('hosts', '/v1/hosts', HOSTS));
  const onHost = (verb: 'drain' | 'lost', description: string): Command =>
    withPlan(hosts.command(verb).description(description).argument('<host>', 'its id')).action(
      (host: string, options: MoveOptions, command: Command) => moveAway(`/v1/hosts/{id}/${verb}`, host, options, command),
    );
  withTransactions(onHost('drain', 'move everything away from a host, by switchovers and new standbys'));
  withLoss(
    onHost(
      'lost',
      'declare a host lost: its primaries fail over, or are restored where nothing is left of them; its standbys are made anew elsewhere',
    ),
  );
  withApi(hosts.command('undrain').description('use a host again; what has moved stays where it is').argument('<host>', 'its id'))
    .action(async (id: string, _options: unknown, command: Command) => {
      const { api, asJson } = openSession(command);
      const host = await api.call('post', '/v1/hosts/{id}/undrain', { path: { id } });
      if (asJson) printJson(host);
      else print(`${host.id} is ${host.state}`);
    });
  const dataCenters = new Command('data-centers').description('places with hosts of their own');
  withTransactions(
    withPlan(
      dataCenters
        .command('evacuate')
        .description('move everything away from a data centre')
        .argument('<data-center>', 'its id, see freehold regions list'),
    ),
  ).action((id: string, options: MoveOptions, command: Command) => moveAway('/v1/data-centers/{id}/evacuate', id, options, command));
  withLoss(
    withPlan(
      dataCenters
        .command('lost')
        .description('declare a data centre lost for good: what has a standby elsewhere fails over, the rest is restored from backups')
        .argument('<data-center>', 'its id'),
    ),
  ).action((id: string, options: MoveOptions, command: Command) => moveAway('/v1/data-centers/{id}/lost', id, options, command));
  return [hosts, dataCenters];
}

function withLoss(command: Command): Command {
  return command.option('--accept-data-loss', 'let a standby that is not in sync take over: what it has not received is lost');
}

function withPlan(command: Command): Command {
  return withApi(command)
    .option('--plan', 'show what would move, and move nothing')
    .option('--no-wait', 'return as soon as the request is accepted');
}

/** The ways to empty a host or a data centre; each answers the plan instead when it is asked for it. */
type Vacating = '/v1/hosts/{id}/drain' | '/v1/hosts/{id}/lost' | '/v1/data-centers/{id}/evacuate' | '/v1/data-centers/{id}/lost';

type Losing = Extract<Vacating, `${string}/lost`>;
type Draining = Exclude<Vacating, Losing>;

async function moveAway(
  path: Vacating, id: string, { plan, wait, acceptDataLoss, endTransactionsAfter }: MoveOptions, command: Command,
): Promise<void> {
  const minutes = minutesToEnd(endTransactionsAfter);
  const session = openSession(command);
  const { api, asJson } = session;
  const planned = await api.call('post', path, { path: { id }, query: { plan: 'true' } });
  if (!('plan' in planned)) throw new CliError(`the API answered the plan with ${planned.operation.id}`);
  if (plan) {
    showPlan(planned.plan, asJson);
    return;
  }
  note(describePlan(planned.plan));
  const accepted = await (acceptDataLoss
    ? api.call('post', path as Losing, { path: { id }, body: { acceptDataLoss } })
    : api.call('post', path as Draining, { path: { id }, body: minutes ?? {} }));
  if (!('operation' in accepted)) throw new CliError('the API answered a request with a plan');
  if (!wait) {
    if (asJson) printJson(accepted);
    else print(`it goes on as ${accepted.operation.id}; follow it with freehold operations follow ${accepted.operation.id}`);
    return;
  }
  const operation = await finishOperation(session, accepted.operation.id);
  const report = await reportMoves(api, operation);
  const recoveries = endedOutagesOf(operation);
  if (asJson) {
    printJson({ operation, moves: report, recoveries });
    return;
  }
  print(report.length === 0 ? 'nothing had to move' : formatTable(report, MOVES));
  if (recoveries.length > 0) print(`\n${formatTable(recoveries, ENDED_OUTAGES)}`);
}

function showPlan(plan: MovePlan, asJson: boolean): void {
  if (asJson) {
    printJson(plan);
    return;
  }
  print(describePlan(plan));
  if (plan.moves.length > 0) print(`\n${formatTable(plan.moves, PLANNED)}`);
}

function describePlan({ hosts, primaries, standbys, restores }: MovePlan): string {
  const restored = restores > 0 ? `; ${restores} databases have nothing left elsewhere and are restored from backups` : '';
  return `${primaries} primaries and ${standbys} standbys are on ${hosts.join(', ')}${restored}`;
}
