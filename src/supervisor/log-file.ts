import { copyFileSync, existsSync, fstatSync, ftruncateSync, openSync, closeSync, readSync, renameSync, rmSync } from 'node:fs';

import { saysNoRoom } from '../cli/cli-error.js';

const MAX_BYTES = 10 * 1024 * 1024;
const KEPT = 3;

/**
 * A process's log: it is handed the descriptor itself, so that it goes on logging when its supervisor is gone.
 *
 * The log is bounded by copying and cutting it short, which suits writers that append.
 */
export class LogFile {
  readonly descriptor: number;

  constructor(readonly path: string) {
    this.descriptor = openSync(path, 'a+', 0o600);
  }

  /** Sets the log aside once it is too long; of those set aside, the oldest is dropped. Without room for that it is only cut short. */
  rotate(maxBytes = MAX_BYTES): void {
    if (fstatSync(this.descriptor).size <= maxBytes) return;
    try {
      rmSync(`${this.path}.${KEPT}`, { force: true });
      for (let age = KEPT - 1; age >= 1; age -= 1) {
        if (existsSync(`${this.path}.${age}`)) renameSync(`${this.path}.${age}`, `${this.path}.${age + 1}`);
      }
      copyFileSync(this.path, `${this.path}.1`);
    } catch (error) {
      if (!saysNoRoom(error)) throw error;
      rmSync(`${this.path}.1`, { force: true });
    }
    ftruncateSync(this.descriptor, 0);
  }

  get size(): number {
    return fstatSync(this.descriptor).size;
  }

  /** The last lines written since the log had that size. */
  tail(since: number, lines = 5): string {
    const from = Math.max(since, this.size - 8_192);
    const buffer = Buffer.alloc(Math.max(0, this.size - from));
    const read = readSync(this.descriptor, buffer, 0, buffer.length, from);
    return buffer.subarray(0, read).toString().trimEnd().split('\n').slice(-lines).join('\n');
  }

  close(): void {
    closeSync(this.descriptor);
  }
}
