import { spawn, type ChildProcess } from 'node:child_process';

import { handOver } from '../config/handed-over.js';
import { ownEnvironment } from '../config/settings.js';
import { CliError, EXIT } from '../cli/cli-error.js';
import { askUntil } from '../base/ask-until.js';
import { Ballast } from './ballast.js';
import type { ReadyLine } from './control-plane.js';
import type { ControlDirectory } from './control-directory.js';
import { LogFile } from './log-file.js';
import { sendSignal } from '../engine/local/machine/processes.js';
import type { Progress } from './progress.js';
import { StartReport } from './start-report.js';

/** Longer than every limit of the start itself, each of which says better what went wrong. */
const START_WITHIN_MS = 10 * 60_000;

/**
 * Starts `freehold up` in the background, in a session of its own and with no descriptor of the caller, and returns
 * once it serves.
 *
 * @param args the arguments of `up`, without `--detach`
 * @throws CliError with what stopped the start
 */
export async function startInBackground(
  directory: ControlDirectory, entry: string, args: readonly string[], progress: Progress,
): Promise<ReadyLine> {
  await directory.prepare();
  new Ballast(directory, progress).relieve();
  const report = new StartReport(`${directory.run}/start-${process.pid}.jsonl`);
  const log = new LogFile(directory.logFile('supervisor'));
  log.rotate();
  report.begin();
  try {
    const { env, input } = handOver(ownEnvironment({}));
    const child = spawn(process.execPath, [...process.execArgv, entry, 'up', ...args, '--report', report.path], {
      cwd: '/',
      detached: true,
      env,
      stdio: ['pipe', log.descriptor, log.descriptor],
    });
    child.stdin?.on('error', () => undefined);
    child.stdin?.end(input);
    const ready = await followStart(child, report, progress, log.path);
    child.unref();
    return ready;
  } finally {
    report.end();
    log.close();
  }
}

async function followStart(child: ChildProcess, report: StartReport, progress: Progress, logPath: string): Promise<ReadyLine> {
  const giveUp = (): void => void (child.pid !== undefined && sendSignal(child.pid, 'SIGTERM'));
  const signals = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const;
  signals.forEach((name) => process.on(name, giveUp));
  let ended = false;
  child.once('exit', () => (ended = true));
  child.once('error', () => (ended = true));
  const ready = await askUntil(() => {
    // Whether it has ended is asked first, so that its last words are still read.
    const isLast = ended;
    for (const event of report.takeNew()) {
      if (event.type === 'progress') progress.step(event.text);
      else if (event.type === 'failed') throw new CliError(event.message, event.exitCode);
      else return event.ready;
    }
    if (isLast) throw new CliError(`the start ended without a word, see ${logPath}`, EXIT.failed);
    return undefined;
  }, { deadlineMs: START_WITHIN_MS, everyMs: 20 });
  signals.forEach((name) => process.off(name, giveUp));
  if (!ready) throw new CliError(`the start goes on for more than ${START_WITHIN_MS / 60_000} minutes, see ${logPath}`);
  return ready;
}
