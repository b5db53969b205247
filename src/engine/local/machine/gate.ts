import { spawn, type ChildProcessWithoutNullStreams } from 'node:child_process';
import { randomBytes } from 'node:crypto';

import { EngineError } from '../../errors.js';
import { readText, stage, type FileContent } from './files.js';
import { command } from './gate-script.js';
import { OutputTail } from './output-tail.js';
import { COMMAND_ENVIRONMENT, type CommandResult } from './run-command.js';
import { commandFailure, lastLines } from './tool-failure.js';

/** What a lock protects: an instance, a route (both with a token), or a gateway's configuration (without). */
export interface GateSubject {
  /** Holds the files `lock` and `token`. */
  readonly directory: string;
  /** Undefined for a plain lock. */
  readonly token?: bigint;
  /** For messages, such as `instance ins_…`. */
  readonly name: string;
}

export interface GateOptions {
  readonly script: string;
  readonly subject: GateSubject;
  readonly signal: AbortSignal;
  /** How long a weaker holder is waited for before it is killed, in milliseconds. */
  readonly graceMs: number;
}

interface PendingLine {
  resolve(result: CommandResult): void;
  reject(error: Error): void;
}

/**
 * A held lock: the only way to have an effect on its subject (`protocol.md`, rule 1).
 *
 * Lines run one after the other, each in a subshell without input. A line that fails is an answer, not an error.
 */
export class Gate {
  private readonly marker: string;
  private stdout = new OutputTail();
  private stderr = new OutputTail();
  private unread = '';
  private readonly waiting: PendingLine[] = [];
  private dead = false;

  private constructor(
    private readonly child: ChildProcessWithoutNullStreams,
    private readonly subject: GateSubject,
    marker: string,
    private readonly closed: Promise<void>,
    private readonly signal: AbortSignal,
  ) {
    this.marker = marker;
  }

  /** @throws EngineError `superseded` if a higher token is stored. */
  static async enter(options: GateOptions): Promise<Gate> {
    const { subject, signal } = options;
    throwIfOver(signal, subject);
    const marker = `end-${randomBytes(9).toString('hex')}`;
    const argv = [options.script, subject.directory, subject.token?.toString() ?? '', (options.graceMs / 1000).toFixed(3), marker];
    const child = spawn('/bin/bash', argv, { cwd: '/', env: COMMAND_ENVIRONMENT, detached: true, stdio: 'pipe' });
    const closed = new Promise<void>((resolve) => child.once('close', () => resolve()));
    const gate = new Gate(child, subject, marker, closed, signal);
    const end = (): void => gate.kill();
    signal.addEventListener('abort', end, { once: true });
    void closed.then(() => signal.removeEventListener('abort', end));
    await gate.greeting();
    return gate;
  }

  /** Runs one line of shell inside the lock. */
  async run(line: string): Promise<CommandResult> {
    if (this.dead) throw await this.failure();
    if (/[\n\0]/.test(line)) throw new EngineError('permanent', 'a line for the gate may not hold a line break');
    const result = new Promise<CommandResult>((resolve, reject) => this.waiting.push({ resolve, reject }));
    this.child.stdin.write(`${line}\n`);
    return result;
  }

  /** Runs one line and takes a non-zero exit code for an error that carries the program's last words. */
  async must(line: string, what: string): Promise<string> {
    const result = await this.run(line);
    if (result.code !== 0) throw commandFailure(what, result);
    return result.stdout;
  }

  /**
   * Replaces files as a whole. The new contents are written beside the old before; only the renames are the effect.
   *
   * @param synced Whether they must be on disk when this returns; false where a later sync covers them.
   * @param then A line that runs once they are in place, also if the caller has died by then.
   */
  async install(files: readonly FileContent[], synced = true, then?: string): Promise<void> {
    const staged = await Promise.all(files.map(async (file) => ({ file, path: await stage(file, synced) })));
    const moves = staged.map(({ file, path }) => command('mv', '-T', '--', path, file.path));
    const directories = [...new Set(files.map((file) => file.path.slice(0, file.path.lastIndexOf('/'))))];
    await this.must(
      [...moves, ...(synced ? [command('sync', ...directories)] : []), ...(then === undefined ? [] : [then])].join(' && '),
      'replacing files',
    );
  }

  /** Lets go; returns once the lock is free again. */
  async leave(): Promise<void> {
    this.child.stdin.end();
    await this.closed;
  }

  private kill(): void {
    if (this.child.pid === undefined || this.dead) return;
    try {
      process.kill(-this.child.pid, 'SIGKILL');
    } catch {
      // It is dead already.
    }
  }

  private async greeting(): Promise<void> {
    const first = new Promise<string>((resolve) => {
      const listen = (chunk: Buffer): void => {
        this.unread += chunk.toString('utf8');
        const end = this.unread.indexOf('\n');
        if (end < 0) return;
        this.child.stdout.off('data', listen);
        const line = this.unread.slice(0, end);
        this.unread = '';
        resolve(line);
      };
      this.child.stdout.on('data', listen);
      void this.closed.then(() => resolve(''));
    });
    this.child.stderr.on('data', (chunk: Buffer) => this.stderr.push(chunk));
    this.child.stdin.on('error', () => undefined);
    this.child.on('error', () => undefined);
    const answer = await first;
    if (answer.startsWith('superseded')) throw superseded(this.subject, answer.split(' ')[1] ?? '?');
    if (answer !== 'held') throw await this.failure();
    this.listen();
  }

  private listen(): void {
    this.stderr.clear();
    this.child.stdout.on('data', (chunk: Buffer) => {
      this.stdout.push(chunk);
      this.settleLines();
    });
    this.child.stderr.on('data', () => this.settleLines());
    void this.closed.then(async () => {
      this.dead = true;
      const lines = this.waiting.splice(0);
      if (lines.length === 0) return;
      const error = await this.failure();
      for (const line of lines) line.reject(error);
    });
  }

  /** A line has ended once its marker came through both pipes. */
  private settleLines(): void {
    const outText = this.stdout.text();
    const errText = this.stderr.text();
    const out = outText.indexOf(`\n${this.marker} `);
    const err = errText.indexOf(`\n${this.marker}\n`);
    const outEnd = outText.indexOf('\n', out + 1);
    if (out < 0 || err < 0 || outEnd < 0) return;
    const code = Number(outText.slice(out + this.marker.length + 2, outEnd));
    this.stdout.clear();
    this.stderr.clear();
    this.waiting.shift()?.resolve({ code, stdout: outText.slice(0, out), stderr: errText.slice(0, err) });
  }

  /** Says why the gate is gone: ended by a stronger one, or in some other way. */
  private async failure(): Promise<EngineError> {
    await this.closed;
    this.dead = true;
    const { subject } = this;
    // In this order: a contender stores its token before it takes its announcement away.
    for (const record of ['contender', 'token']) {
      const text = (await readText(`${subject.directory}/${record}`).catch(() => undefined))?.trim() ?? '';
      if (subject.token !== undefined && /^\d+$/.test(text) && BigInt(text) > subject.token) return superseded(subject, text);
    }
    if (this.signal.aborted) {
      return new EngineError('outcome-unknown', `the time was over while ${subject.name} was being changed`, 'observe it, then try again', {
        cause: this.signal.reason,
      });
    }
    const words = lastLines(this.stderr.text());
    return new EngineError(
      'outcome-unknown', `the effect on ${subject.name} was cut off${words ? `: ${words}` : ''}`, 'observe it, then try again',
    );
  }
}

export function superseded(subject: { readonly name: string; readonly token?: bigint }, stored: string): EngineError {
  return new EngineError(
    'superseded',
    `token ${String(subject.token)} for ${subject.name} is older than ${stored}, which it has seen`,
    'drop what is remembered of it and read the record again',
  );
}

function throwIfOver(signal: AbortSignal, subject: GateSubject): void {
  if (signal.aborted) throw new EngineError('transient', `the time for ${subject.name} was over before anything was done`);
}
