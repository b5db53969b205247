/** What a check that failed tells: of the backup, or of the drill. */
export type CheckFault = 'damage' | 'drill';

/** What the server says of an error; nothing where the connection was lost. */
export interface ServerError {
  readonly code?: string | undefined;
  readonly message: string;
}

/** `undefined_file`: a file of a relation is not there. */
const FILE_IS_MISSING = '58P01';
/** Internal errors and corruption; a value that cannot be read. */
const DAMAGE_CLASSES: ReadonlySet<string> = new Set(['XX', '22']);

/**
 * Judges an error of a check that runs no code of the customer's (PostgreSQL's documentation, appendix A, has the codes).
 *
 * Want of room or memory, a server that ends, a lost connection and whatever else is not a word about what is stored are
 * the drill's own trouble: the backup is tried again.
 */
export function judgeCheckError({ code }: ServerError): CheckFault {
  if (code === undefined) return 'drill';
  return code === FILE_IS_MISSING || DAMAGE_CLASSES.has(code.slice(0, 2)) ? 'damage' : 'drill';
}

const MOST_TEXT = 200;

/** What the customer is told of an index whose own expression did not come to an end, or does not agree with it. */
export function describeRemark(
  index: string, { code, message }: ServerError, time: { readonly over: 'time' | 'room' | undefined; readonly budgetMs: number },
): string {
  if (time.over === 'room') {
    return `index ${index}, and those after it, were not compared with their tables: the functions in its definition wrote too much`;
  }
  if (time.over === 'time') {
    return `index ${index} was not compared with its table: the functions in its definition took longer than `
      + `${Math.round(time.budgetMs / 1_000)} s`;
  }
  const text = message.replaceAll(/\s+/g, ' ').slice(0, MOST_TEXT);
  if (code === 'XX001' || code === 'XX002') {
    return `index ${index} does not agree with the functions in its definition as they are now: reindex it (${text})`;
  }
  return `index ${index} could not be compared with its table: a function in its definition failed `
    + `(${code ?? 'the session ended'}: ${text})`;
}
