import type { ChildProcess } from 'node:child_process';
import { rmSync } from 'node:fs';
import { setTimeout as delay } from 'node:timers/promises';

import { reasonOf } from '../base/reason-of.js';
import { CliError, saysNoRoom } from '../cli/cli-error.js';
import { askUntil } from '../base/ask-until.js';
import { makeDirectory, writeWhole } from '../engine/local/machine/files.js';
import { endProcess, nameProcess, type ProcessName } from '../engine/local/machine/processes.js';
import { chooseRestartDelayMs, HEALTHY_AFTER_MS } from './choose-restart-delay.js';
import type { ControlDirectory } from './control-directory.js';
import { endRole, FAREWELLS, workingDirectory, type Role } from './leftovers.js';
import { LogFile } from './log-file.js';
import type { Progress } from './progress.js';

/** A process to keep running: how it is started, and when it serves. */
export interface ProcessSpec {
  readonly role: Role;
  /** Starts it with its output going to the descriptor; called again each time it died. */
  launch(logDescriptor: number): Promise<ChildProcess>;
  /** Whether it serves. */
  isReady(): Promise<boolean>;
  readonly readyWithinMs: number;
}

/** Before it served for the first time, a process that died so often is not going to. */
const HOPELESS_DEATHS = 3;

/** Keeps one process of the control plane running until it is stopped. */
export class SupervisedProcess {
  readonly role: Role;
  private readonly log: LogFile;
  private readonly logSizeAtStart: number;
  private readonly rotation: NodeJS.Timeout;
  private readonly stopping = new AbortController();
  private current: ProcessName | undefined;
  private deaths = 0;
  private lastEnding = '';
  private running: Promise<void> | undefined;

  constructor(
    private readonly directory: ControlDirectory,
    private readonly spec: ProcessSpec,
    private readonly progress: Progress,
  ) {
    this.role = spec.role;
    this.log = new LogFile(directory.logFile(spec.role));
    this.logSizeAtStart = this.log.size;
    this.rotation = setInterval(() => this.log.rotate(), 5_000);
    this.rotation.unref();
  }

  /**
   * Starts it and returns once it serves; from then on it is started again whenever it dies.
   *
   * @throws CliError with the end of its log if it does not come to serve.
   */
  async start(signal: AbortSignal): Promise<void> {
    const { role, readyWithinMs } = this.spec;
    this.running = this.keepRunning();
    const ready = await askUntil(async () => {
      this.refuseHopeless();
      return (await this.spec.isReady()) || undefined;
    }, { deadlineMs: readyWithinMs, everyMs: 25, signal });
    if (!ready) throw this.failure(`does not serve after ${Math.round(readyWithinMs / 1000)} s`);
    this.progress.detail(`${role} is up`);
  }

  /** @throws CliError with the end of its log if it has died again and again. */
  refuseHopeless(): void {
    if (this.deaths >= HOPELESS_DEATHS) throw this.failure(`ends again and again (${this.lastEnding})`);
  }

  /** Ends it for good and returns once it is dead. */
  async stop(): Promise<void> {
    this.stopping.abort();
    clearInterval(this.rotation);
    if (this.current) await endProcess(this.current, FAREWELLS[this.spec.role]);
    await this.running;
    rmSync(this.directory.pidFile(this.spec.role), { force: true });
    this.log.close();
  }

  private async keepRunning(): Promise<void> {
    while (!this.stopping.signal.aborted) {
      const started = performance.now();
      const ending = await this.runOnce();
      this.lastEnding = ending;
      if (this.stopping.signal.aborted) return;
      this.deaths = performance.now() - started > HEALTHY_AFTER_MS ? 1 : this.deaths + 1;
      const delayMs = chooseRestartDelayMs(this.deaths);
      this.progress.incident(`${this.spec.role} ended (${ending}); it is started again in ${delayMs} ms, see ${this.log.path}`);
      await delay(delayMs, undefined, { signal: this.stopping.signal }).catch(() => undefined);
    }
  }

  /** Answers how it ended. */
  private async runOnce(): Promise<string> {
    try {
      // A server's children may outlive it for a moment and hold its files and its port.
      if (this.deaths > 0) await endRole(this.directory, this.spec.role);
      const child = await this.spec.launch(this.log.descriptor);
      return await this.waitForEnd(child);
    } catch (error) {
      return reasonOf(error);
    }
  }

  private async waitForEnd(child: ChildProcess): Promise<string> {
    const end = new Promise<string>((resolve, reject) => {
      child.once('exit', (code, signal) => resolve(signal ?? `code ${String(code)}`));
      child.once('error', reject);
    });
    this.current = child.pid === undefined ? undefined : nameProcess(child.pid);
    if (this.current) await this.notePid(this.current);
    // It may have been started in the moment in which the stop looked for it.
    if (this.current && this.stopping.signal.aborted) await endProcess(this.current, FAREWELLS[this.spec.role]);
    try {
      return await end;
    } finally {
      this.current = undefined;
    }
  }

  /** On a full disk it goes unnoted, and is found by where it works: ended for that, it would never serve again. */
  private async notePid(name: ProcessName): Promise<void> {
    try {
      await writeWhole({ path: this.directory.pidFile(this.role), content: `${JSON.stringify(name)}\n`, mode: 0o600 });
    } catch (error) {
      if (!saysNoRoom(error)) throw error;
      this.progress.incident(`the disk is full: the id of ${this.role} is not noted down`);
    }
  }

  private failure(what: string): CliError {
    const said = this.log.tail(this.logSizeAtStart);
    return new CliError(`${this.spec.role} ${what}; ${said === '' ? 'it logged nothing' : `its log ends:\n${said}`}\nsee ${this.log.path}`);
  }
}

/** Makes the directory that a role works in, for the account that it runs as. */
export async function makeWorkingDirectory(control: string, role: Role): Promise<string> {
  const path = workingDirectory(control, role);
  await makeDirectory(path, 0o700);
  return path;
}
