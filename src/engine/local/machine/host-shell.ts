import { createHash } from 'node:crypto';
import { existsSync, readFileSync } from 'node:fs';

import { EngineError } from '../../errors.js';
import { lookUpAccount } from './accounts.js';
import * as files from './files.js';
import { GATE_SCRIPT } from './gate-script.js';
import { Gate, superseded, type GateSubject } from './gate.js';
import { exactName, processesUnder } from './process-table.js';
import { readProcess, worksIn, type ProcessFacts } from './processes.js';
import { runCommand, streamCommand, type CommandOptions, type CommandResult } from './run-command.js';

/** How long a weaker holder of a lock is waited for before it is killed. */
export const DEFAULT_GRACE_MS = 2_000;
/** The same for what cannot wait for work that is void anyway, such as a fence. */
export const AT_ONCE_MS = 20;

/**
 * The seam between the engine and a host: run, read, write, mount, signal.
 *
 * Nothing else in the engine starts a process, opens a file or signals another process. On the embedded fleet every host
 * is this machine, and a host's root is its directory; the fleet's own files are reached through one more, whose root is
 * the fleet's directory.
 */
export class HostShell {
  readonly read = files.readText;
  readonly readBytes = files.readBytes;
  readonly readTail = files.readTail;
  readonly exists = files.exists;
  readonly list = files.list;
  readonly sizeBytes = files.sizeBytes;
  readonly allocatedBytes = files.allocatedBytes;
  readonly modifiedAt = files.modifiedAt;
  readonly ownerOf = files.ownerOf;
  readonly roomAt = files.roomAt;
  readonly firstClosedParent = files.firstClosedParent;
  readonly isMountPoint = files.isMountPoint;
  readonly readProcess = readProcess;
  readonly worksIn = worksIn;
  readonly processesUnder = processesUnder;
  readonly lookUpAccount = lookUpAccount;
  readonly stream = streamCommand;

  constructor(
    readonly root: string,
    private readonly gateScript: string,
    private readonly graceMs = DEFAULT_GRACE_MS,
  ) {}

  /** A shell for a directory whose gates are under another, such as a host of a fleet. */
  at(root: string): HostShell {
    return new HostShell(root, this.gateScript, this.graceMs);
  }

  /** Opens a fleet's directory, and puts the gate's script there; a new version of it gets a new name. */
  static async open(root: string, graceMs = DEFAULT_GRACE_MS): Promise<HostShell> {
    const gateScript = await HostShell.bare(root).install('freehold-gate', GATE_SCRIPT);
    return new HostShell(root, gateScript, graceMs);
  }

  /** Puts a script where every account can run it; a new version of it gets a new name, since the old one may be in use. */
  async install(name: string, script: string): Promise<string> {
    const version = createHash('sha256').update(script).digest('hex').slice(0, 12);
    const path = `${this.root}/bin/${name}-${version}`;
    if (existsSync(path)) return path;
    await files.ensureDirectory(`${this.root}/bin`, 0o755);
    await files.writeWhole({ path, content: script, mode: 0o755 });
    return path;
  }

  /** A shell that can do all but enter a gate; for a directory that is not known to be a fleet's. */
  static bare(root: string): HostShell {
    return new HostShell(root, '/nonexistent', DEFAULT_GRACE_MS);
  }

  run(argv: readonly string[], options?: CommandOptions): Promise<CommandResult> {
    return runCommand(argv, options);
  }

  ensureDirectory(path: string, mode: number, owner?: files.Account): Promise<void> {
    return files.ensureDirectory(this.inside(path), mode, owner);
  }

  write(file: files.FileContent): Promise<void> {
    return files.writeWhole({ ...file, path: this.inside(file.path) });
  }

  remove(path: string): Promise<void> {
    return files.removeTree(this.inside(path));
  }

  removeIfEmpty(path: string): Promise<void> {
    return files.removeIfEmpty(this.inside(path));
  }

  boundLog(path: string, limitBytes: number): Promise<void> {
    return files.boundLog(this.inside(path), limitBytes);
  }

  chmod(path: string, mode: number): Promise<void> {
    return files.chmod(this.inside(path), mode);
  }

  realpath(path: string): Promise<string> {
    return files.realpath(path);
  }

  /** The highest token that a subject has seen; 0 if none. */
  async storedToken(directory: string): Promise<bigint> {
    const text = (await files.readText(`${directory}/token`))?.trim();
    return text && /^\d+$/.test(text) ? BigInt(text) : 0n;
  }

  /** Refuses a verb that only observes when a higher token was seen. */
  async refuseOlder(subject: GateSubject): Promise<void> {
    const stored = await this.storedToken(subject.directory);
    if (subject.token !== undefined && subject.token < stored) throw superseded(subject, stored.toString());
  }

  /**
   * Holds the subject's lock while `body` runs; all effects go through the gate that it is given.
   *
   * @param graceMs How long a weaker holder is waited for before it is killed; see {@link AT_ONCE_MS}.
   */
  async fenced<T>(subject: GateSubject, signal: AbortSignal, body: (gate: Gate) => Promise<T>, graceMs = this.graceMs): Promise<T> {
    await files.ensureDirectory(this.inside(subject.directory), 0o711);
    const gate = await Gate.enter({ script: this.gateScript, subject, signal, graceMs });
    try {
      return await body(gate);
    } finally {
      await gate.leave();
    }
  }

  /** Sends a signal to a process, unless another has come to bear its number; answers whether it was sent. */
  signal(target: ProcessFacts, signal: NodeJS.Signals): boolean {
    const now = readProcess(target.pid);
    if (!now || exactName(now) !== exactName(target)) return false;
    try {
      process.kill(target.pid, signal);
      return true;
    } catch {
      return false;
    }
  }

  /** Refuses to change anything outside of the shell's root. */
  private inside(path: string): string {
    const below = path === this.root || path.startsWith(`${this.root}/`);
    if (below && !path.split('/').includes('..')) return path;
    throw new EngineError('permanent', `${path} is outside of ${this.root}`);
  }

  /** Whether something is mounted at a path. */
  isMounted(path: string): boolean {
    return readFileSync('/proc/self/mounts', 'utf8').split('\n').some((line) => line.split(' ')[1] === path);
  }

  /** Paths below a directory at which something is mounted, the deepest first. */
  mountsUnder(path: string): string[] {
    const points = readFileSync('/proc/self/mounts', 'utf8').split('\n').map((line) => line.split(' ')[1] ?? '');
    return points.filter((point) => point.startsWith(`${path}/`)).sort((a, b) => b.length - a.length);
  }

  /** @throws EngineError `permanent` if this machine does not allow it. */
  async bindMount(from: string, to: string): Promise<void> {
    await files.ensureDirectory(to, 0o755);
    const result = await runCommand(['mount', '--bind', from, to]);
    if (result.code === 0) return;
    await files.removeIfEmpty(to);
    throw new EngineError(
      'permanent',
      `${from} could not be mounted at ${to}: ${result.stderr.trim()}`,
      'choose a data directory whose parents other users may pass through (chmod o+x), such as /var/lib/freehold',
    );
  }

  /** Keeps what is in a directory in memory alone; answers whether this machine allows it. */
  async keepInMemory(path: string, mode: number, bytes: number): Promise<boolean> {
    await files.ensureDirectory(this.inside(path), mode);
    if (this.isMounted(path)) return true;
    const options = `size=${bytes},mode=0${mode.toString(8)},nosuid,nodev,noexec`;
    return this.isRoot && (await runCommand(['mount', '-t', 'tmpfs', '-o', options, 'freehold', path])).code === 0;
  }

  async unmount(path: string): Promise<void> {
    const result = await runCommand(['umount', path]);
    if (result.code !== 0 && this.isMounted(path)) await runCommand(['umount', '--lazy', path]);
  }

  /** The process's own account is root. */
  get isRoot(): boolean {
    return process.getuid?.() === 0;
  }
}

export { exactName, GATE_PROGRAMS } from './process-table.js';
export type { ProcessFacts } from './processes.js';
