/** One object of a dump, as `pg_restore --list` names it. */
export interface TocEntry {
  readonly id: number;
  /** Its kind in capitals, such as `TABLE DATA`. */
  readonly kind: string;
  /** Undefined for what lies in no schema. */
  readonly schema: string | undefined;
  /** Its name, with what tells it apart: the arguments of a function, the table of a policy. */
  readonly name: string;
  /** Undefined for what has none. A name with a space in it is cut to its last word, since nothing sets it apart. */
  readonly owner: string | undefined;
  /** The line itself, which `pg_restore --use-list` takes. */
  readonly line: string;
}

export interface Toc {
  readonly entries: readonly TocEntry[];
  /** The major version of the server that was dumped. */
  readonly serverMajor: number | undefined;
}

/** Kinds of several words; the others are one word. The longer come first, for some begin with another. */
const LONG_KINDS = [
  'ACCESS METHOD', 'BLOB COMMENTS', 'BLOB METADATA', 'CHECK CONSTRAINT', 'DATABASE PROPERTIES', 'DEFAULT ACL', 'EVENT TRIGGER', 'FK CONSTRAINT',
  'FOREIGN DATA WRAPPER', 'FOREIGN SERVER', 'FOREIGN TABLE', 'INDEX ATTACH', 'MATERIALIZED VIEW DATA', 'MATERIALIZED VIEW', 'OPERATOR CLASS',
  'OPERATOR FAMILY', 'PROCEDURAL LANGUAGE', 'PUBLICATION TABLES IN SCHEMA', 'PUBLICATION TABLE', 'ROW SECURITY', 'SECURITY LABEL', 'SEQUENCE OWNED BY',
  'SEQUENCE SET', 'SHELL TYPE', 'STATISTICS DATA', 'SUBSCRIPTION TABLE', 'TABLE ATTACH', 'TABLE DATA', 'TEXT SEARCH CONFIGURATION',
  'TEXT SEARCH DICTIONARY', 'TEXT SEARCH PARSER', 'TEXT SEARCH TEMPLATE', 'USER MAPPING',
].sort((one, other) => other.length - one.length);

/** Reads the table of contents of a dump, as `pg_restore --list` prints it. */
export function parseToc(listing: string): Toc {
  const major = /^;\s+Dumped from database version: (\d+)/m.exec(listing)?.[1];
  return { entries: listing.split('\n').flatMap((line) => parseLine(line) ?? []), serverMajor: major === undefined ? undefined : Number(major) };
}

function parseLine(line: string): TocEntry | undefined {
  const [, id, rest] = /^(\d+); \d+ \d+ (.*)$/.exec(line) ?? [];
  if (id === undefined || rest === undefined) return undefined;
  const kind = LONG_KINDS.find((long) => rest.startsWith(`${long} `)) ?? rest.split(' ', 1)[0] ?? '';
  const [, schema = '-', name = '', owner = ''] = /^(\S+) (.*) (\S*)$/.exec(rest.slice(kind.length + 1)) ?? [];
  return { id: Number(id), kind, schema: schema === '-' ? undefined : schema, name, owner: owner === '' ? undefined : owner, line };
}
