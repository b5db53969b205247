import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';

import { CliError } from '../cli-error.js';
import type { DumpSource } from './dump-source.js';
import { type Archive, ArchiveError, readArchive, type TocEntry } from './read-archive.js';

/** A table of contents holds every definition of the schema; one that is larger is not kept in memory. */
const LONGEST_BEGINNING_BYTES = 512 * 2 ** 20;

/** A dump of which the beginning is kept, so that it can be read again; pg_dump meanwhile waits with the rest. */
export class RepeatedDump {
  private readonly beginning: Uint8Array[] = [];
  private keptBytes = 0;
  private readonly rest: AsyncIterator<Uint8Array>;

  constructor(readonly source: DumpSource) {
    this.rest = source.chunks[Symbol.asyncIterator]();
  }

  /** From the beginning, which may be asked for again once this was read as far as anybody wanted. */
  async *peek(): AsyncGenerator<Uint8Array> {
    yield* this.beginning;
    for (let next = await this.rest.next(); next.done !== true; next = await this.rest.next()) {
      this.beginning.push(next.value);
      this.keptBytes += next.value.length;
      if (this.keptBytes > LONGEST_BEGINNING_BYTES) {
        throw new CliError(
          `the table of contents of the dump is longer than ${LONGEST_BEGINNING_BYTES / 2 ** 20} MiB: `
            + 'import it schema by schema with pg_restore',
        );
      }
      yield next.value;
    }
  }

  /** Puts other bytes in the place of some that were read already. */
  overwrite(start: number, bytes: Uint8Array): void {
    let position = 0;
    this.beginning.forEach((chunk, index) => {
      const offset = start - position;
      position += chunk.length;
      const [from, to] = [Math.max(0, -offset), Math.min(bytes.length, chunk.length - offset)];
      if (from >= to) return;
      const changed = Uint8Array.from(chunk);
      changed.set(bytes.subarray(from, to), offset + from);
      this.beginning[index] = changed;
    });
  }

  /** All of it, for the last time. */
  async *readAll(): AsyncGenerator<Uint8Array> {
    for (let chunk = this.beginning.shift(); chunk !== undefined; chunk = this.beginning.shift()) yield chunk;
    for (let next = await this.rest.next(); next.done !== true; next = await this.rest.next()) yield next.value;
  }
}

/**
 * Reads the table of contents.
 *
 * @throws CliError if there is none
 */
export async function readContents(dump: RepeatedDump): Promise<Archive> {
  try {
    return await readArchive(dump.peek());
  } catch (error) {
    if (!(error instanceof ArchiveError)) throw error;
    // That pg_dump failed says more than that its dump is short.
    await dump.source.finish();
    throw new CliError(`the dump has no table of contents that can be read: ${error.message}`);
  }
}

/** Writes a list that `pg_restore --use-list` takes, which reads nothing of a line but the number at its beginning. */
export async function writeList(scratch: string, entries: readonly TocEntry[]): Promise<string> {
  const path = join(scratch, 'entries');
  await writeFile(path, entries.map(({ id }) => `${id}\n`).join(''), { mode: 0o600 });
  return path;
}
