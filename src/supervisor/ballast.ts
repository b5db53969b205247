import { spawn } from 'node:child_process';
import { rmSync, statfsSync, statSync } from 'node:fs';

import type { ControlDirectory } from './control-directory.js';
import { ballastBytes, type BallastFacts, decideBallast, isToBeSpared } from './decide-ballast.js';
import type { Progress } from './progress.js';

/** A disk that is filled at full speed loses less than the rest at which the ballast goes in this time. */
const EVERY_MS = 250;
/** The metadata server completes two segments of WAL in this time. */
const SAVE_EVERY_MS = 20_000;

/**
 * A file that holds room for the control plane's own metadata, WAL and logs, for when somebody else has filled the disk:
 * without it the metadata server stops in the middle of a write and cannot be started again, and nobody could delete
 * anything.
 */
export class Ballast {
  private timer: NodeJS.Timeout | undefined;
  private making: Promise<void> | undefined;
  /** A file system that cannot reserve room, or has none to spare, is not asked again and again. */
  private unmade = false;
  private savedAt = -Infinity;

  private readonly path: string;
  private readonly directory: string;

  /** @param save called again and again while the reserve is in use, to spare it; a failure is no more than a failed try */
  constructor(
    { ballast, control }: ControlDirectory,
    private readonly progress: Progress,
    private readonly save: () => Promise<void> = () => Promise.resolve(),
  ) {
    this.path = ballast;
    this.directory = control;
  }

  /** Looks once, and from then on by itself. */
  start(): void {
    this.look();
    this.timer = setInterval(() => this.look(), EVERY_MS);
    this.timer.unref();
  }

  async stop(): Promise<void> {
    clearInterval(this.timer);
    await this.making;
  }

  /** Lets go what is held, if the disk is full. */
  relieve(): void {
    const facts = this.measure();
    if (facts && decideBallast(facts) === 'release') this.release();
  }

  private look(): void {
    if (this.making) return;
    const facts = this.measure();
    if (!facts) return;
    const action = decideBallast(facts);
    if (action === 'release') this.release();
    else if (action === 'make' && !this.unmade) {
      this.making = this.make(ballastBytes(facts.totalBytes)).finally(() => (this.making = undefined));
    }
    else if (isToBeSpared(facts)) this.spare();
  }

  private spare(): void {
    if (performance.now() - this.savedAt < SAVE_EVERY_MS) return;
    this.savedAt = performance.now();
    void this.save().catch(() => undefined);
  }

  /** Undefined if the directory is gone, or cannot be read: others say so. */
  private measure(): BallastFacts | undefined {
    try {
      const { bavail, blocks, bsize } = statfsSync(this.directory);
      return {
        freeBytes: bavail * bsize, totalBytes: blocks * bsize, heldBytes: statSync(this.path, { throwIfNoEntry: false })?.size ?? 0,
      };
    } catch {
      return undefined;
    }
  }

  private release(): void {
    rmSync(this.path, { force: true });
    this.progress.incident(
      `the disk of ${this.directory} is full: the control plane goes on with what it had in reserve; make room, or delete what fills it`,
    );
  }

  /** Reserved, not written: it takes no time and no life of the disk. */
  private async make(bytes: number): Promise<void> {
    const code = await new Promise<number | null>((resolve) => {
      const child = spawn('fallocate', ['--length', String(bytes), this.path], { cwd: '/', stdio: 'ignore' });
      child.once('error', () => resolve(null)).once('exit', resolve);
    });
    if (code === 0) return;
    rmSync(this.path, { force: true });
    this.unmade = true;
    this.progress.incident(`${this.directory} cannot hold anything in reserve: a full disk will stop the control plane`);
  }
}
