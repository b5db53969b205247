import { within } from '../../../base/signals.js';
import { EngineError } from '../../errors.js';
import { waitUntil } from '../../wait-until.js';
import { command, daemonLine } from '../machine/gate-script.js';
import type { Gate } from '../machine/gate.js';
import { exactName, type HostShell, type ProcessFacts } from '../machine/host-shell.js';
import { isStopped } from '../machine/processes.js';
import { lastLines } from '../machine/tool-failure.js';

const LOG_LIMIT_BYTES = 4 * 1024 * 1024;
const LOG_TAIL_BYTES = 4 * 1024;

export interface DaemonOptions {
  readonly shell: HostShell;
  /** For messages, such as `the router of europe`. */
  readonly name: string;
  /** Its file with the pid and the start time of the process that was started last. */
  readonly pid: string;
  readonly log: string;
  /** The file that the process was started with, by which it is found if its number was not written down. */
  readonly configuration: string;
  /** Programs that may be it, if others mention that file too. */
  readonly programs?: RegExp;
  /** For how long it counts as answering once it has answered, in milliseconds. */
  readonly answerHoldsMs: number;
  /** Asks it; throws if it does not answer. */
  readonly ask: (signal: AbortSignal) => Promise<unknown>;
  /** Whether it must not be asked, because asking would fail for want of what its clients have taken. */
  readonly isFull?: (process: ProcessFacts) => boolean;
}

/** A program of a gateway's that outlives the control plane: how it is found, judged, started and ended. */
export abstract class Daemon {
  /** The process that was found last. */
  private found: ProcessFacts | undefined;
  /** Which process was last seen to answer, and when. */
  private answered: { readonly name: string; readonly at: number } | undefined;

  constructor(private readonly daemon: DaemonOptions) {}

  /** The living process; a zombie, or another process with the number, is none. */
  async find(): Promise<ProcessFacts | undefined> {
    const { shell, pid, configuration, programs } = this.daemon;
    const recorded = (await shell.read(pid))?.trim() ?? '';
    const process = shell.readProcess(Number(recorded.split(':')[0] ?? 0));
    this.found =
      process && exactName(process) === recorded ? process : shell.processesUnder([configuration], programs ? { programs } : {})[0];
    return this.found;
  }

  /** Whether the process that was found last is still at work: a look that costs next to nothing. */
  isThere(): boolean {
    if (!this.found) return false;
    const now = this.daemon.shell.readProcess(this.found.pid);
    return now !== undefined && now.startTicks === this.found.startTicks && !isStopped(now);
  }

  /** Whether a process serves: it is not stopped, and answers, or has done so a moment ago. */
  async serves(process: ProcessFacts, signal: AbortSignal, withinMs?: number): Promise<boolean> {
    if (isStopped(process)) return false;
    const name = exactName(process);
    if (this.answered?.name === name && performance.now() - this.answered.at < this.daemon.answerHoldsMs) return true;
    if (this.daemon.isFull?.(process)) return true;
    const answers = await this.answers(withinMs === undefined ? signal : within(signal, withinMs), signal);
    this.answered = answers ? { name, at: performance.now() } : undefined;
    return answers;
  }

  /**
   * Starts it by a line of shell, writes down which process it is, and returns once it answers.
   *
   * @throws EngineError `transient` with its last words if it does not start
   */
  protected async launch(gate: Gate, line: string, before: string, signal: AbortSignal): Promise<void> {
    const { shell, name, pid, log } = this.daemon;
    const output = await gate.must(`${before}; ${daemonLine(line, log)} echo $!`, `starting ${name}`);
    const started = shell.readProcess(Number(output.trim()));
    if (started) await gate.install([{ path: pid, content: `${exactName(started)}\n`, mode: 0o644 }], false);
    await waitUntil(`${name} to answer`, signal, async () => {
      if (await this.answers(signal, signal)) return true;
      if (started && shell.readProcess(started.pid)) return undefined;
      const words = lastLines(await shell.readTail(log, LOG_TAIL_BYTES));
      throw new EngineError('transient', `${name} did not start: ${words || 'it said nothing'}`, `see ${log}`);
    });
  }

  /** Kills a process, with all its clients, and returns once it is dead. */
  async kill(gate: Gate, process: ProcessFacts, signal: AbortSignal): Promise<void> {
    await gate.run(command('signal_exactly', 'KILL', exactName(process)));
    await waitUntil(`${this.daemon.name} to die`, signal, () => (this.daemon.shell.readProcess(process.pid) ? undefined : true));
  }

  /** Clients can make it grow: whoever is refused is logged. */
  async boundLog(): Promise<void> {
    await this.daemon.shell.boundLog(this.daemon.log, LOG_LIMIT_BYTES).catch(() => undefined);
  }

  /** @param outer the caller's own: what it has ended says nothing of the process */
  private answers(signal: AbortSignal, outer: AbortSignal): Promise<boolean> {
    return this.daemon.ask(signal).then(
      () => true,
      (error: unknown) => {
        if (outer.aborted) throw error;
        return false;
      },
    );
  }
}
