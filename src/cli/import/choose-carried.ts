import type { TocEntry } from './read-archive.js';
import { countGrants, listPolicyRoles } from './read-roles.js';

/** Something of the source that the new database will not have. */
export interface NotCarried {
  /** In small letters, such as `extension`. */
  readonly kind: string;
  readonly name: string;
  readonly why: string;
}

/** What a database's owner may do about an extension that the target offers: make it, nothing, or use what is there already. */
export type Offer = 'makes' | 'may-not' | 'has';
/** By the extension's name. */
export type OfferedExtensions = ReadonlyMap<string, Offer>;

/** An extension as the API tells of it. */
export interface ListedExtension {
  readonly name: string;
  readonly access: 'owner' | 'request' | 'refused' | 'present';
  readonly why: string;
}

/** An extension that Freehold is asked for, and where it goes. */
export interface RequestedExtension {
  readonly name: string;
  readonly schema: string;
}

/** Kinds that only a superuser may make, or that have no meaning in a database of Freehold, each with what a person is told. */
const NEVER: ReadonlyMap<string, string> = new Map([
  ['EVENT TRIGGER', 'only a superuser may make event triggers'],
  ['FOREIGN DATA WRAPPER', 'only a superuser may make foreign data wrappers'],
  ['FOREIGN SERVER', 'connections to other servers are not offered'],
  ['SERVER', 'connections to other servers are not offered'],
  ['USER MAPPING', 'connections to other servers are not offered'],
  ['FOREIGN TABLE', 'connections to other servers are not offered; copy the rows into a table'],
  ['SUBSCRIPTION', 'logical replication is not offered'],
  ['PUBLICATION', 'logical replication is not offered'],
  ['ACCESS METHOD', 'only a superuser may make access methods'],
  ['OPERATOR CLASS', 'only a superuser may make operator classes'],
  ['OPERATOR FAMILY', 'only a superuser may make operator families'],
  ['PROCEDURAL LANGUAGE', 'only a superuser may make languages'],
  ['SHELL TYPE', 'only a superuser may make base types'],
  ['TEXT SEARCH PARSER', 'only a superuser may make text search parsers'],
  ['TEXT SEARCH TEMPLATE', 'only a superuser may make text search templates'],
  ['SECURITY LABEL', 'no provider of security labels is offered'],
  ['DATABASE PROPERTIES', 'settings of the database as a whole are not taken over; set them again with ALTER DATABASE'],
]);

/** Left out without a word of their own: parts of what is told of already, and what every database has or makes itself. */
const PARTS = new Set([
  'ENCODING', 'STDSTRINGS', 'SEARCHPATH', 'ACL', 'DEFAULT ACL', 'DATABASE', 'PUBLICATION TABLE', 'PUBLICATION TABLES IN SCHEMA',
  'SUBSCRIPTION TABLE', 'STATISTICS DATA',
]);

/** What says something of one other object and is nothing without it. */
const REMARKS = new Set(['COMMENT', 'SECURITY LABEL']);

/** The findings about a dump alone, before there is a database to fill. */
export function findNotCarried(entries: readonly TocEntry[]): NotCarried[] {
  return [...findRoles(entries), ...entries.flatMap((entry) => {
    const why = whyNever(entry) ?? whyWithoutRoles(entry) ?? whyNoRemark(entry);
    return why === undefined ? [] : [{ kind: entry.kind.toLowerCase(), name: nameOf(entry), why }];
  })];
}

/** The extensions of a dump that only a superuser may make, and Freehold makes on request. */
export function chooseRequested(
  entries: readonly TocEntry[], offered: OfferedExtensions, listed: readonly ListedExtension[],
): RequestedExtension[] {
  return entries.flatMap(({ kind, name, definition }) => {
    const isWanted =
      kind === 'EXTENSION' && offered.get(name) === 'may-not' && listed.some((one) => one.name === name && one.access === 'request');
    return isWanted ? [{ name, schema: schemaOf(definition) }] : [];
  });
}

/** What lies in a schema of PostgreSQL's own there goes to `public`. */
function schemaOf(definition: string): string {
  const [, quoted, plain] = / WITH SCHEMA (?:"((?:[^"]|"")+)"|([^\s;"]+));/.exec(definition) ?? [];
  const schema = quoted?.replaceAll('""', '"') ?? plain ?? 'public';
  return /^pg_|^information_schema$/.test(schema) ? 'public' : schema;
}

/** What cannot be made because of the extensions that are offered where a dump goes. */
export function findMissingExtensions(
  entries: readonly TocEntry[], offered: OfferedExtensions, listed: readonly ListedExtension[] = [],
): NotCarried[] {
  return entries.flatMap((entry) => {
    if (entry.kind === 'EXTENSION') return whyNoExtension(entry.name, offered, listed);
    return isRemarkOnOurs(entry, offered)
      ? [{ kind: 'comment', name: entry.name, why: 'the extension is there already and belongs to Freehold' }]
      : [];
  });
}

function whyNoExtension(name: string, offered: OfferedExtensions, listed: readonly ListedExtension[]): NotCarried[] {
  const offer = offered.get(name);
  if (offer === 'makes' || offer === 'has') return [];
  const refused = listed.find((one) => one.name === name && one.access === 'refused');
  const why = offer === 'may-not' ? 'only a superuser may make it' : 'the server does not have it';
  return [
    {
      kind: 'extension',
      name,
      why: `${refused ? `it is not offered: ${refused.why}` : why}; what needs it fails: do without it, and import again`,
    },
  ];
}

/**
 * The entries to restore: all but what is known not to be carried, and the remarks on that.
 *
 * @param schemas those that are there already
 */
export function chooseCarried(
  entries: readonly TocEntry[], offered: OfferedExtensions, schemas: ReadonlySet<string> = new Set(),
): TocEntry[] {
  const isLeftOut = (entry: TocEntry): boolean =>
    PARTS.has(entry.kind) || whyNever(entry) !== undefined || whyWithoutRoles(entry) !== undefined
    || (entry.kind === 'EXTENSION' && offered.get(entry.name) !== 'makes');
  const leftOut = new Set(entries.filter(isLeftOut).map(({ id }) => id));
  return entries.filter((entry) => {
    // It is there already, and was not always left out of dumps.
    if (leftOut.has(entry.id) || isPublic(entry) || (entry.kind === 'SCHEMA' && schemas.has(entry.name))) return false;
    return !REMARKS.has(entry.kind) || !(entry.needs.some((id) => leftOut.has(id)) || isRemarkOnOurs(entry, offered));
  });
}

const isPublic = ({ kind, name }: TocEntry): boolean => kind === 'SCHEMA' && name === 'public';

/** Only an extension's owner may describe it. */
function isRemarkOnOurs({ kind, name }: TocEntry, offered: OfferedExtensions): boolean {
  const extension = kind === 'COMMENT' ? /^EXTENSION (.*)$/s.exec(name)?.[1] : undefined;
  return extension !== undefined && offered.get(extension.replace(/^"(.*)"$/s, '$1').replaceAll('""', '"')) === 'has';
}

function whyNever({ kind, definition }: TocEntry): string | undefined {
  return NEVER.get(kind) ?? PRIVILEGED.find(({ kinds, form }) => kinds.includes(kind) && form.test(definition))?.why;
}

/** What only a superuser may make because of how it is made. */
const PRIVILEGED: readonly { readonly kinds: readonly string[]; readonly form: RegExp; readonly why: string }[] = [
  {
    kinds: ['FUNCTION', 'PROCEDURE'],
    form: /^(?:(?!\n {4}LANGUAGE )[^])*\n {4}LANGUAGE (?:c|internal)\b/,
    why: 'only a superuser may make functions of compiled code; what needs it fails',
  },
  { kinds: ['TYPE'], form: /^CREATE TYPE [^(]*\(\n {4}INTERNALLENGTH/, why: 'only a superuser may make base types; what needs it fails' },
  { kinds: ['CAST'], form: / WITHOUT FUNCTION\b/, why: 'only a superuser may make casts without a function' },
];

/** Comments that would be about another object here. */
function whyNoRemark({ kind, name }: TocEntry): string | undefined {
  return kind === 'COMMENT' && name.startsWith('DATABASE ')
    ? 'the new database has another name; set it again with COMMENT ON DATABASE'
    : undefined;
}

function whyWithoutRoles(entry: TocEntry): string | undefined {
  if (entry.kind !== 'POLICY') return undefined;
  const missing = listPolicyRoles(entry.definition).filter((role) => !isBuiltIn(role));
  return missing.length === 0
    ? undefined
    : `it is for ${missing.join(', ')}, which ${missing.length === 1 ? 'does' : 'do'} not exist there`;
}

function findRoles(entries: readonly TocEntry[]): NotCarried[] {
  const owned = new Map<string, number>();
  for (const { owner, kind } of entries) {
    if (owner !== undefined && !PARTS.has(kind) && !REMARKS.has(kind)) owned.set(owner, (owned.get(owner) ?? 0) + 1);
  }
  const grants = countGrants(entries.filter(({ kind }) => kind === 'ACL' || kind === 'DEFAULT ACL').map(({ definition }) => definition));
  const names = [...new Set([...owned.keys(), ...grants.keys()])].filter((name) => !isBuiltIn(name)).sort();
  return names.map((name) => {
    const owns = owned.has(name) ? [`it owns ${count(owned.get(name), 'object')}, which will be the new owner's`] : [];
    const granted = grants.has(name)
      ? [`${count(grants.get(name), 'grant')} to ${name === 'PUBLIC' ? 'everybody' : 'it'} will be missing`]
      : [];
    return { kind: name === 'PUBLIC' ? 'privileges' : 'role', name, why: [...owns, ...granted].join('; ') };
  });
}

/** Roles of PostgreSQL itself, which are everywhere; no other may be named so. */
function isBuiltIn(role: string): boolean {
  return role.startsWith('pg_');
}

function nameOf({ kind, schema, name }: TocEntry): string {
  if (kind === 'USER MAPPING') return name.replace(/^USER MAPPING /, '');
  return schema === undefined ? name : `${schema}.${name}`;
}

function count(number: number | undefined, what: string): string {
  return `${number ?? 0} ${what}${number === 1 ? '' : 's'}`;
}
