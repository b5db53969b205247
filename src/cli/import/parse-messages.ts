import type { TocEntry } from './read-archive.js';

/** Something that could not be restored. */
export interface ImportError {
  /** Undefined if it is not about one object. */
  readonly object: string | undefined;
  readonly message: string;
}

/** A line of `pg_restore --verbose` that begins one more object. */
export const BEGINS_OBJECT = /^pg_restore: (?:creating |processing data for |processing item |executing )/;

/**
 * Finds the errors in what pg_restore says on standard error, with the object that each is about.
 *
 * A newer pg_restore sets what an older server does not know, which harms nothing and is left out.
 */
export function parseRestoreErrors(text: string, entries: readonly TocEntry[]): ImportError[] {
  const known = new Map(entries.map((entry) => [entry.id, entry]));
  const errors: { entry: TocEntry | undefined; message: string }[] = [];
  let entry: TocEntry | undefined;
  let isBeginning = false;
  let isOpen = false;
  for (const line of text.split('\n')) {
    const [, phase] = /^pg_restore: while (\S+)/.exec(line) ?? [];
    if (phase !== undefined) isBeginning = phase === 'INITIALIZING';
    const [, id] = /^pg_restore: from TOC entry (\d+); /.exec(line) ?? [];
    if (id !== undefined) entry = known.get(Number(id));
    const [, message] = /^pg_restore: (?:fatal|error): (.*)$/.exec(line) ?? [];
    isOpen = message !== undefined || (isOpen && !/^(?:pg_restore: |Command was: )/.test(line));
    if (message !== undefined) errors.push({ entry: isBeginning ? undefined : entry, message: shorten(message) });
    else if (isOpen && /^(?:DETAIL|HINT|CONTEXT): /.test(line)) append(errors, line);
  }
  return errors
    .filter((error) => !(error.entry === undefined && /unrecognized configuration parameter/.test(error.message)))
    .map(({ entry: about, message }) => ({
      object: about && `${about.kind} ${about.name}`, message: `${message}${explainSearchPath(message, about)}`,
    }));
}

/** Something that exists was not found under its bare name, by code that runs or is checked while a dump is restored. */
const NOT_FOUND = new RegExp([
  '(?:relation|type|collation|text search configuration) "[^".]+" does not exist',
  '(?:function|procedure|aggregate) [^ (.]+\\(.*\\) does not exist', 'operator does not exist:',
].join('|'));
const IN_CODE = /CONTEXT: .*(?:SQL|PL\/\w+) function /;

/** What a person is told of a failure whose reason is that nothing is found without its schema while a dump is restored. */
function explainSearchPath(message: string, entry: TocEntry | undefined): string {
  const isCode = IN_CODE.test(message) || entry?.kind === 'FUNCTION' || entry?.kind === 'PROCEDURE';
  if (!isCode || !NOT_FOUND.test(message)) return '';
  return '; while a dump is restored the search_path is empty, so that functions find only what they name with its schema:'
    + ' name it so in the function, or give the function a SET search_path, then dump anew; or run the statement in the new database';
}

/** What PostgreSQL's own prefixes add nothing to. */
function shorten(message: string): string {
  return message.replace(/^could not execute query: /, '').replace(/^ERROR: +/, '');
}

function append(errors: { message: string }[], line: string): void {
  const last = errors.at(-1);
  if (last) last.message += ` (${line.replace(/\s+/g, ' ')})`;
}

/** The first error that a program of PostgreSQL told of, without its name; or the last that it said. */
export function firstError(stderr: string): string {
  const lines = stderr.split('\n').filter(Boolean);
  const found = lines.find((line) => /^pg_\w+: (?:fatal|error): /.test(line)) ?? lines.at(-1) ?? 'it said nothing';
  return found.replace(/^pg_\w+: (?:(?:fatal|error): )?/, '');
}

/**
 * What a person is told when pg_dump failed.
 *
 * @param major of this machine's pg_dump
 */
export function explainDumpFailure(stderr: string, major: number): string {
  const server = /server version: ([^\s;]+)/.exec(stderr)?.[1];
  if (/server version mismatch/.test(stderr)) {
    return `the server is PostgreSQL ${server ?? 'of another version'}, and this machine's pg_dump is ${major}: `
      + `install postgresql-client of the server's version or newer`;
  }
  const fault = firstError(stderr);
  const hint = /no password supplied|password authentication/.test(fault) ? '; give the password with PGPASSWORD or ~/.pgpass' : '';
  return `the source cannot be dumped: ${fault}${hint}`;
}
