import { createReadStream } from 'node:fs';
import { open } from 'node:fs/promises';
import { createInterface } from 'node:readline';

import { sizeBytes } from './files.js';

/** A text file to which lines are only ever added. */
export class LineFile {
  constructor(private readonly path: string) {}

  /** Adds a line, on disk when it returns. A line that a crash has cut off before is ended first. */
  async append(line: string): Promise<void> {
    const file = await open(this.path, 'a+', 0o600);
    try {
      const { size } = await file.stat();
      const last = Buffer.alloc(1);
      if (size > 0) await file.read(last, 0, 1, size - 1);
      await file.write(`${size > 0 && last.toString() !== '\n' ? '\n' : ''}${line}\n`);
      await file.sync();
    } finally {
      await file.close();
    }
  }

  /** The lines that there are when it is called, read as they are taken; none if there is no file. */
  async lines(): Promise<AsyncIterable<string>> {
    return readLines(this.path, await sizeBytes(this.path));
  }
}

/** Opened only when it is read: lines that nobody takes yet would be lost. */
async function* readLines(path: string, bytes: number): AsyncGenerator<string> {
  if (bytes === 0) return;
  yield* createInterface({ input: createReadStream(path, { end: bytes - 1 }), crlfDelay: Infinity });
}
