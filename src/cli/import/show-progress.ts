import { note } from '../output.js';

const TERMINAL_EVERY_MS = 200;
/** Where lines stay, as in a log, there are few of them. */
const LOG_EVERY_MS = 10_000;

/** Tells now and then how far something is: in one line that changes on a terminal, in a line each time elsewhere. */
export class ProgressLine {
  private readonly isTerminal = process.stderr.isTTY;
  private toldAt = Date.now();
  private isShown = false;

  tell(describe: () => string): void {
    const now = Date.now();
    if (now - this.toldAt < (this.isTerminal ? TERMINAL_EVERY_MS : LOG_EVERY_MS)) return;
    this.toldAt = now;
    this.isShown = true;
    if (this.isTerminal) process.stderr.write(`\r\x1b[K${describe()}`);
    else note(describe());
  }

  /** Makes room for other lines. */
  clear(): void {
    if (this.isTerminal && this.isShown) process.stderr.write('\r\x1b[K');
    this.isShown = false;
  }
}

/** Bytes in MiB, of all if that is known. */
export function formatBytes(done: number, all: number | undefined): string {
  const mebibytes = (bytes: number): string => (bytes / 2 ** 20).toFixed(1);
  return all === undefined ? `${mebibytes(done)} MiB` : `${mebibytes(done)} of ${mebibytes(all)} MiB`;
}
