import { existsSync } from 'node:fs';
import { Command, InvalidArgumentError, Option } from 'commander';

import { readCliSettings, type CliSettings } from '../../config/settings.js';
import { describeError } from '../cli-error.js';
import { note, print, printJson } from '../output.js';
import { chooseDataDir, ControlDirectory } from './control-directory.js';
import type { ReadyLine } from './control-plane.js';
import { startInBackground } from './detach.js';
import { takeDown } from './down.js';
import { LOOPBACK } from './ports.js';
import { reportOnStderr, type Progress } from './progress.js';
import { confirmPurge, purgeFleet } from './purge.js';
import { provideDemo } from './quickstart.js';
import { findRunningFleet } from './running-fleet.js';
import { StartReport } from './start-report.js';
import { runUp } from './up.js';

interface UpFlags {
  readonly dataDir?: string;
  readonly port?: number;
  readonly bind?: string;
  readonly publicHost?: string;
  readonly detach?: boolean;
  readonly json?: boolean;
  /** Where a start in the background reports to. */
  readonly report?: string;
}

/** `freehold up`, `down`, `purge` and `quickstart`: the embedded fleet of this machine. */
export function fleetCommands(): Command[] {
  const up = withFleet(new Command('up').description('start the embedded fleet, and keep its control plane running'))
    .option('--detach', 'return once it is ready, and leave it running in the background')
    .option('--json', 'print one line of JSON when it is ready')
    .addOption(new Option('--report <file>').hideHelp())
    .action((flags: UpFlags) => (flags.detach ? upDetached(flags) : upInForeground(flags)));
  const quickstart = withFleet(new Command('quickstart').description('start the fleet with a demo customer and a database of theirs'))
    .action((flags: UpFlags) => quickstartInForeground(flags));
  const down = new Command('down').description('stop everything of the fleet, databases and gateways too')
    .option('--data-dir <dir>', 'the fleet\'s directory')
    .option('--json', 'print JSON for programs')
    .action((flags: { dataDir?: string; json?: boolean }) => stopFleet(flags));
  const purge = new Command('purge').description('stop the fleet and remove every trace of it, databases and backups too')
    .option('--data-dir <dir>', 'the fleet\'s directory')
    .option('--yes', 'do not ask')
    .option('--json', 'print JSON for programs')
    .action((flags: { dataDir?: string; yes?: boolean; json?: boolean }) => removeFleet(flags));
  return [up, down, purge, quickstart];
}

function withFleet(command: Command): Command {
  return command
    .option('--data-dir <dir>', 'the fleet\'s directory (FREEHOLD_DATA_DIR)')
    .option('--port <port>', 'the API\'s port (FREEHOLD_PORT)', parsePort)
    .option('--bind <address>', 'the address that the API listens on (FREEHOLD_BIND)')
    .option('--public-host <name>', 'the name under which other machines reach the gateways (FREEHOLD_PUBLIC_HOST)');
}

async function upInForeground(flags: UpFlags): Promise<void> {
  const settings = readCliSettings();
  const report = flags.report === undefined ? undefined : new StartReport(flags.report);
  const progress = report?.asProgress(reportOnStderr()) ?? reportOnStderr();
  try {
    await runUp(upOptions(flags, settings, progress), (ready) => {
      if (report) report.add({ type: 'ready', ready });
      else announce(ready, flags.json === true, 'Ctrl-C stops the control plane; databases and gateways stay up.');
    });
  } catch (error) {
    if (!report) throw error;
    const { message, exitCode } = describeError(error);
    report.add({ type: 'failed', message, exitCode });
    throw error;
  }
}

async function upDetached(flags: UpFlags): Promise<void> {
  const settings = readCliSettings();
  const { directory, port, bind, publicHost } = upOptions(flags, settings, reportOnStderr());
  const running = await findRunningFleet(directory, settings, port);
  if (running) note(`freehold: the fleet in ${directory.dataDir} is up already`);
  const args = [
    ['--data-dir', directory.dataDir],
    ['--bind', bind],
    ...(port === undefined ? [] : [['--port', String(port)]]),
    ...(publicHost === undefined ? [] : [['--public-host', publicHost]]),
  ].flat();
  const ready = running ?? (await startInBackground(directory, process.argv[1] ?? '', args, reportOnStderr()));
  announce(ready, flags.json === true, `It runs in the background; freehold down --data-dir ${directory.dataDir} stops it.`);
}

async function quickstartInForeground(flags: UpFlags): Promise<void> {
  const settings = readCliSettings();
  const options = upOptions(flags, settings, reportOnStderr());
  const running = await findRunningFleet(options.directory, settings, options.port);
  if (running) {
    await provideDemo(options.directory, settings, running, AbortSignal.timeout(24 * 60 * 60 * 1000));
    note(`freehold: the fleet in ${options.directory.dataDir} was up already and goes on`);
    return;
  }
  await runUp(options, async (ready, signal) => {
    await provideDemo(options.directory, settings, ready, signal);
    note('Ctrl-C stops the control plane; databases and gateways stay up. npx freehold down stops everything.');
  });
}

async function stopFleet(flags: { dataDir?: string; json?: boolean }): Promise<void> {
  const directory = new ControlDirectory(chooseDataDir(flags.dataDir, readCliSettings()));
  directory.refuseForeign();
  if (directory.exists) await takeDown(directory, reportOnStderr());
  else note(`freehold: there is no fleet in ${directory.dataDir}`);
  if (flags.json) printJson({ dataDir: directory.dataDir, state: 'down' });
}

async function removeFleet(flags: { dataDir?: string; yes?: boolean; json?: boolean }): Promise<void> {
  const directory = new ControlDirectory(chooseDataDir(flags.dataDir, readCliSettings()));
  directory.refuseForeign();
  if (directory.exists) {
    if (!flags.yes) await confirmPurge(directory);
    await purgeFleet(directory, reportOnStderr());
  } else {
    const what = existsSync(directory.dataDir) ? 'is empty' : 'does not exist';
    note(`freehold: ${directory.dataDir} ${what}: there is nothing to remove`);
  }
  if (flags.json) printJson({ dataDir: directory.dataDir, state: 'purged' });
}

function upOptions(flags: UpFlags, settings: CliSettings, progress: Progress) {
  return {
    directory: new ControlDirectory(chooseDataDir(flags.dataDir, settings)),
    settings,
    port: flags.port ?? settings.FREEHOLD_PORT,
    bind: flags.bind ?? settings.FREEHOLD_BIND ?? LOOPBACK,
    publicHost: flags.publicHost ?? settings.FREEHOLD_PUBLIC_HOST,
    progress,
  };
}

function announce(ready: ReadyLine, asJson: boolean, ending: string): void {
  if (asJson) {
    printJson(ready);
    return;
  }
  print(['Freehold is up.', `  API           ${ready.api}`, `  console       ${ready.console}`, `  operator key  ${ready.operatorKey}`, `  signup key    ${ready.signupKey}`, ending].join('\n'));
}

function parsePort(text: string): number {
  const port = Number(text);
  if (!Number.isInteger(port) || port < 1 || port > 65_535) throw new InvalidArgumentError('it must be a number from 1 to 65535');
  return port;
}

