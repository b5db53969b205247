import { closeSync, constants, openSync, readFileSync, rmSync, writeFileSync, writeSync } from 'node:fs';

import type { ReadyLine } from './control-plane.js';
import type { Progress } from './progress.js';

/** One line of what a start in the background tells its caller. */
export type StartEvent =
  | { readonly type: 'progress'; readonly text: string }
  | { readonly type: 'ready'; readonly ready: ReadyLine }
  | { readonly type: 'failed'; readonly message: string; readonly exitCode: number };

/**
 * The file through which a process in the background reports to the one that started it: a pipe would be handed on to
 * everything that it starts in its turn.
 */
export class StartReport {
  private seen = 0;

  constructor(readonly path: string) {}

  begin(): void {
    writeFileSync(this.path, '', { mode: 0o600 });
  }

  add(event: StartEvent): void {
    const file = this.openToAppend();
    // The caller has heard enough and has removed the file.
    if (file === undefined) return;
    writeSync(file, `${JSON.stringify(event)}\n`);
    closeSync(file);
  }

  end(): void {
    rmSync(this.path, { force: true });
  }

  /** The events that were added since the last look. */
  takeNew(): StartEvent[] {
    const lines = readFileSync(this.path, 'utf8').split('\n').slice(0, -1);
    const fresh = lines.slice(this.seen);
    this.seen = lines.length;
    return fresh.map((line) => JSON.parse(line) as StartEvent);
  }

  /** Progress that goes to the log of the background process and, while it starts, to its caller. */
  asProgress(own: Progress): Progress {
    const tell = (text: string): void => this.add({ type: 'progress', text });
    return {
      step: (text) => {
        own.step(text);
        tell(text);
      },
      detail: (text) => own.detail(text),
      incident: (text) => {
        own.incident(text);
        tell(text);
      },
    };
  }

  private openToAppend(): number | undefined {
    try {
      return openSync(this.path, constants.O_WRONLY | constants.O_APPEND);
    } catch {
      return undefined;
    }
  }
}
