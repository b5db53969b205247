import { Command, InvalidArgumentError, Option } from 'commander';

import type { RecoverFlags, StopFlags, UpFlags } from './fleet-actions.js';
import type { HardenFlags } from './harden/harden.js';

/** `freehold up`, `down`, `purge`, `quickstart`, `recover`, `keys` and `harden`: the embedded fleet of this machine. */
export function fleetCommands(): Command[] {
  const up = withFleet(new Command('up').description('start the embedded fleet, and keep its control plane running'))
    .option('--detach', 'return once it is ready, and leave it running in the background')
    .option('--json', 'print one line of JSON when it is ready')
    .addOption(new Option('--report <file>').hideHelp())
    .action(async (flags: UpFlags) => (await actions()).up(flags));
  const quickstart = withFleet(new Command('quickstart').description('start the fleet with a demo customer and a database of theirs'))
    .action(async (flags: UpFlags) => (await actions()).quickstart(flags));
  const down = new Command('down').description('stop everything of the fleet, databases and gateways too')
    .option('--data-dir <dir>', 'the fleet\'s directory')
    .option('--json', 'print JSON for programs')
    .action(async (flags: StopFlags) => (await actions()).down(flags));
  const purge = new Command('purge').description('stop the fleet and remove every trace of it, databases and backups too')
    .option('--data-dir <dir>', 'the fleet\'s directory')
    .option('--yes', 'do not ask')
    .option('--json', 'print JSON for programs')
    .action(async (flags: StopFlags) => (await actions()).purge(flags));
  const recover = new Command('recover')
    .description('bring back the metadata database of a fleet from its backups, and make it agree with what runs')
    .option('--data-dir <dir>', 'the fleet\'s directory')
    .option('--time <time>', 'as it was at that moment, in RFC 3339; the newest state if left out', parseTime)
    .option('--site <site>', 'the backup site to restore from; the best one if left out')
    .option('--replace', 'though the metadata that is there can be used: it is moved aside')
    .option('--yes', 'do not ask')
    .option('--json', 'print JSON for programs')
    .action(async (flags: RecoverFlags) => (await actions()).recover(flags));
  const rotate = new Command('rotate')
    .description('give the fleet a new master key, and seal every secret anew under it; databases go on, the control plane must be down')
    .option('--data-dir <dir>', 'the fleet\'s directory')
    .option('--json', 'print JSON for programs')
    .action(async (flags: StopFlags) => (await actions()).rotate(flags));
  const keys = new Command('keys').description('the keys that the fleet\'s secrets are sealed under').addCommand(rotate);
  const harden = new Command('harden')
    .description('print the files that a host of the fleet should have, or say what the host lacks')
    .argument('[file]', 'one of them alone: sysctl, limits, updates, firewall, filter, jail')
    .option('--data-dir <dir>', 'the fleet\'s directory')
    .option('--bind <address>', 'the address that the API listens on, if not FREEHOLD_BIND')
    .option('--ssh-port <port>', 'the port that stays open for ssh', parsePort)
    .option('--check', 'say what this host lacks, and fail if it lacks anything')
    .option('--json', 'print JSON for programs')
    .action(async (file: string | undefined, flags: HardenFlags) => (await import('./harden/harden.js')).harden(file, flags));
  return [up, down, purge, quickstart, recover, keys, harden];
}

function withFleet(command: Command): Command {
  return command
    .option('--data-dir <dir>', 'the fleet\'s directory (FREEHOLD_DATA_DIR)')
    .option('--port <port>', 'the API\'s port (FREEHOLD_PORT)', parsePort)
    .option('--bind <address>', 'the address that the API listens on (FREEHOLD_BIND)')
    .option('--public-host <name>', 'the name under which other machines reach the gateways (FREEHOLD_PUBLIC_HOST)')
    .option(
      '--public-certificate <file>',
      'a certificate for that name that everybody trusts, with its chain; none for the fleet\'s own (FREEHOLD_PUBLIC_CERTIFICATE)',
    )
    .option('--public-key <file>', 'the key of that certificate (FREEHOLD_PUBLIC_KEY)')
    .option(
      '--operator-email <address>',
      'who the first operator is, at the first start; operator@localhost if left out (FREEHOLD_OPERATOR_EMAIL)',
      parseEmail,
    );
}

/** The engine and all that the fleet needs are loaded only by these commands; clients of the API start without them. */
function actions(): Promise<typeof import('./fleet-actions.js')> {
  return import('./fleet-actions.js');
}

function parseTime(text: string): Date {
  const time = new Date(text);
  if (!/T.*(Z|[+-]\d{2}:\d{2})$/i.test(text) || Number.isNaN(time.getTime())) {
    throw new InvalidArgumentError('it must be a time with its offset, such as 2026-11-24T10:15:00+01:00');
  }
  return time;
}

function parseEmail(text: string): string {
  if (!/^[^\s@]+@[^\s@]+$/.test(text)) throw new InvalidArgumentError('it must be an e-mail address');
  return text;
}

function parsePort(text: string): number {
  const port = Number(text);
  if (!Number.isInteger(port) || port < 1 || port > 65_535) throw new InvalidArgumentError('it must be a number from 1 to 65535');
  return port;
}

