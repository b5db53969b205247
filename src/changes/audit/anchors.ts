/** The hash of the chain at a place, as it was published. */
export interface Anchor {
  readonly sequence: number;
  /** Hexadecimal. */
  readonly hash: string;
  /** When it was published; null if that is not known. */
  readonly at: Date | null;
}

/** A file outside the metadata database, to which lines are only ever added. */
export interface AnchorFile {
  append(line: string): Promise<void>;
  /** The lines that there are when it is called, one after the other; none if there is no file. */
  lines(): Promise<AsyncIterable<string>>;
}

/** Injects the file in which the chain's newest hash is published. */
export const ANCHOR_FILE = Symbol('ANCHOR_FILE');

export const writeAnchor = ({ sequence, hash, at }: Anchor): string => JSON.stringify({ at: at?.toISOString() ?? null, sequence, hash });

/** Undefined for a line that is none, such as one that a crash has cut off. */
export function parseAnchor(line: string): Anchor | undefined {
  try {
    const { sequence, hash, at } = JSON.parse(line) as Record<string, unknown>;
    if (!Number.isSafeInteger(sequence) || typeof hash !== 'string' || !/^[0-9a-f]{64}$/.test(hash)) return undefined;
    const time = typeof at === 'string' ? new Date(at) : null;
    return { sequence: sequence as number, hash, at: time && !Number.isNaN(time.getTime()) ? time : null };
  } catch {
    return undefined;
  }
}
