import { Command } from 'commander';

import type { Host, MovePlan } from '../../../clients/typescript/src/client.js';
import { formatTable, note, print, printJson, type Column } from '../output.js';
import { CliError } from '../cli-error.js';
import { finishOperation } from './finish-operation.js';
import { listCommand } from './list-commands.js';
import { MOVES, reportMoves, watchMoves } from './show-moves.js';
import { openSession, withApi } from './session.js';

const HOSTS: readonly Column<Host>[] = [
  ['ID', (host) => host.id],
  ['REGION', (host) => host.region],
  ['DATA CENTRE', (host) => host.dataCenter],
  ['ADDRESS', (host) => host.address],
  ['STATE', (host) => host.state],
  ['INSTANCES', (host) => host.instances],
  ['MEMORY PROMISED', (host) => `${host.promisedMb} of ${host.memoryMb} MiB`],
];

const PLANNED: readonly Column<MovePlan['moves'][number]>[] = [
  ['DATABASE', (move) => move.databaseId],
  ['INSTANCE', (move) => move.instanceId],
  ['ROLE', (move) => move.role],
  ['FROM', (move) => move.hostId],
  ['TO', (move) => move.to ?? 'no room'],
  ['BY', (move) => (move.by === 'relocate' || move.by === 'failover' ? move.by : `${move.by}, then relocate`)],
];

interface MoveOptions {
  readonly plan?: boolean;
  readonly wait: boolean;
}

/** `freehold hosts …` and `freehold data-centers evacuate` */
export function relocationCommands(): Command[] {
  const hosts = new Command('hosts').description('the machines of the fleet').addCommand(listCommand('hosts', '/v1/hosts', HOSTS));
  const onHost = (verb: 'drain' | 'lost', description: string): Command => withPlan(hosts.command(verb).description(description).argument('<host>', 'its id'))
    .action((host: string, options: MoveOptions, command: Command) => moveAway(`/v1/hosts/{id}/${verb}`, host, options, command));
  onHost('drain', 'move everything away from a host, by switchovers and new standbys');
  onHost('lost', 'declare a host lost: its primaries fail over, its standbys are made anew elsewhere');
  withApi(hosts.command('undrain').description('use a host again; what has moved stays where it is').argument('<host>', 'its id'))
    .action(async (id: string, _options: unknown, command: Command) => {
      const { api, asJson } = openSession(command);
      const host = await api.call('post', '/v1/hosts/{id}/undrain', { path: { id } });
      if (asJson) printJson(host);
      else print(`${host.id} is ${host.state}`);
    });
  const dataCenters = new Command('data-centers').description('places with hosts of their own');
  withPlan(dataCenters.command('evacuate').description('move everything away from a data centre').argument('<data-center>', 'its id, see freehold regions list'))
    .action((id: string, options: MoveOptions, command: Command) => moveAway('/v1/data-centers/{id}/evacuate', id, options, command));
  return [hosts, dataCenters];
}

function withPlan(command: Command): Command {
  return withApi(command).option('--plan', 'show what would move, and move nothing').option('--no-wait', 'return as soon as the request is accepted');
}

/** The ways to empty a host or a data centre; each answers the plan instead when it is asked for it. */
type Vacating = '/v1/hosts/{id}/drain' | '/v1/hosts/{id}/lost' | '/v1/data-centers/{id}/evacuate';

async function moveAway(path: Vacating, id: string, { plan, wait }: MoveOptions, command: Command): Promise<void> {
  const session = openSession(command);
  const { api, asJson } = session;
  const readPlan = async (): Promise<MovePlan> => {
    const answer = await api.call('post', path, { path: { id }, query: { plan: 'true' } });
    if (!('plan' in answer)) throw new CliError(`the API answered the plan with ${answer.operation.id}`);
    return answer.plan;
  };
  const planned = await readPlan();
  if (plan) {
    showPlan(planned, asJson);
    return;
  }
  note(describePlan(planned));
  const accepted = await api.call('post', path, { path: { id } });
  if (!('operation' in accepted)) throw new CliError('the API answered a request with a plan');
  if (!wait) {
    if (asJson) printJson(accepted);
    else print(`it goes on as ${accepted.operation.id}; follow it with freehold operations follow ${accepted.operation.id}`);
    return;
  }
  const watching = watchMoves(readPlan, note);
  const operation = await finishOperation(session, accepted.operation.id).finally(() => watching.stop());
  const report = await reportMoves(api, operation);
  if (asJson) printJson({ operation, moves: report });
  else print(report.length === 0 ? 'nothing had to move' : formatTable(report, MOVES));
}

function showPlan(plan: MovePlan, asJson: boolean): void {
  if (asJson) {
    printJson(plan);
    return;
  }
  print(describePlan(plan));
  if (plan.moves.length > 0) print(`\n${formatTable(plan.moves, PLANNED)}`);
}

function describePlan({ hosts, primaries, standbys }: MovePlan): string {
  return `${primaries} primaries and ${standbys} standbys are on ${hosts.join(', ')}`;
}
