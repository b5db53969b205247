import { existsSync } from 'node:fs';

import { readCliSettings, type CliSettings } from '../config/settings.js';
import { describeError } from '../cli/cli-error.js';
import { note, print, printJson } from '../cli/output.js';
import { chooseDataDir, ControlDirectory } from './control-directory.js';
import { describeOperator, type ReadyLine } from './control-plane.js';
import { startInBackground } from './detach.js';
import { takeDown } from './down.js';
import { LOOPBACK } from './ports.js';
import { reportOnStderr, type Progress } from './progress.js';
import { choosePublicCertificate } from './public-certificate.js';
import { confirmPurge, purgeFleet } from './purge.js';
import { provideDemo } from './quickstart.js';
import { describeReport } from './metadata-report.js';
import { restoreMetadata } from './restore-metadata.js';
import { findRunningFleet } from './running-fleet.js';
import { rotateKeys } from './rotate-keys.js';
import { StartReport } from './start-report.js';
import { runUp, type UpOptions } from './up.js';

/** Options of `up` and `quickstart`. */
export interface UpFlags {
  readonly dataDir?: string;
  readonly port?: number;
  readonly bind?: string;
  readonly publicHost?: string;
  readonly publicCertificate?: string;
  readonly publicKey?: string;
  readonly operatorEmail?: string;
  readonly detach?: boolean;
  readonly json?: boolean;
  /** Where a start in the background reports to. */
  readonly report?: string;
}

/** Options of `down` and `purge`. */
export interface StopFlags {
  readonly dataDir?: string;
  readonly json?: boolean;
  readonly yes?: boolean;
}

/** Options of `recover`. */
export interface RecoverFlags extends StopFlags {
  readonly time?: Date;
  readonly site?: string;
  readonly replace?: boolean;
}

/** `freehold up` */
export function up(flags: UpFlags): Promise<void> {
  return flags.detach ? upDetached(flags) : upInForeground(flags);
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
  const { directory, port, bind, publicHost, publicCertificate, operatorEmail } = upOptions(flags, settings, reportOnStderr());
  const running = await findRunningFleet(directory, settings, port);
  if (running) note(`freehold: the fleet in ${directory.dataDir} is up already`);
  const args = [
    ['--data-dir', directory.dataDir],
    ['--bind', bind],
    ...(port === undefined ? [] : [['--port', String(port)]]),
    ...(publicHost === undefined ? [] : [['--public-host', publicHost]]),
    ...(operatorEmail === undefined ? [] : [['--operator-email', operatorEmail]]),
    ...(publicCertificate === null ? [['--public-certificate', 'none']] : []),
    ...(publicCertificate ? [['--public-certificate', publicCertificate.certificate], ['--public-key', publicCertificate.key]] : []),
  ].flat();
  const ready = running ?? (await startInBackground(directory, process.argv[1] ?? '', args, reportOnStderr()));
  announce(ready, flags.json === true, `It runs in the background; freehold down --data-dir ${directory.dataDir} stops it.`);
}

/** `freehold quickstart` */
export async function quickstart(flags: UpFlags): Promise<void> {
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

/** `freehold down` */
export async function down(flags: StopFlags): Promise<void> {
  const directory = new ControlDirectory(chooseDataDir(flags.dataDir, readCliSettings()));
  directory.refuseForeign();
  if (directory.exists) await takeDown(directory, reportOnStderr());
  else note(`freehold: there is no fleet in ${directory.dataDir}`);
  if (flags.json) printJson({ dataDir: directory.dataDir, state: 'down' });
}

/** `freehold purge` */
export async function purge(flags: StopFlags): Promise<void> {
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

/** `freehold recover` */
export async function recover(flags: RecoverFlags): Promise<void> {
  const settings = readCliSettings();
  const directory = new ControlDirectory(chooseDataDir(flags.dataDir, settings));
  const report = await restoreMetadata({
    directory,
    settings,
    time: flags.time,
    site: flags.site,
    replace: flags.replace === true,
    confirmed: flags.yes === true,
    progress: reportOnStderr(),
  });
  if (flags.json) printJson(report);
  else print(describeReport(report));
}

/** `freehold keys rotate` */
export async function rotate(flags: StopFlags): Promise<void> {
  const settings = readCliSettings();
  const directory = new ControlDirectory(chooseDataDir(flags.dataDir, settings));
  const report = await rotateKeys({ directory, settings, progress: reportOnStderr() });
  if (flags.json) printJson(report);
  else print(`The master key is new: ${report.masterKey}; ${report.note}.`);
}

function upOptions(flags: UpFlags, settings: CliSettings, progress: Progress): UpOptions {
  return {
    directory: new ControlDirectory(chooseDataDir(flags.dataDir, settings)),
    settings,
    port: flags.port ?? settings.FREEHOLD_PORT,
    bind: flags.bind ?? settings.FREEHOLD_BIND ?? LOOPBACK,
    publicHost: flags.publicHost ?? settings.FREEHOLD_PUBLIC_HOST,
    publicCertificate: choosePublicCertificate(flags, settings),
    operatorEmail: flags.operatorEmail ?? settings.FREEHOLD_OPERATOR_EMAIL,
    progress,
  };
}

function announce(ready: ReadyLine, asJson: boolean, ending: string): void {
  if (asJson) {
    printJson(ready);
    return;
  }
  print(
    [
      'Freehold is up.', `  API           ${ready.api}`, `  operator key  ${ready.operatorKey}`, `  signup key    ${ready.signupKey}`,
      `  operator      ${describeOperator(ready)}`, ending,
    ].join('\n'),
  );
}
