import type { RoleUse } from './parse-grants.js';
import type { TocEntry } from './parse-toc.js';

/** Something of the source that the new database will not have. */
export interface NotCarried {
  /** In small letters, such as `extension`. */
  readonly kind: string;
  readonly name: string;
  readonly why: string;
}

/** Whether a database's owner may make an extension that the target offers, by its name. */
export type OfferedExtensions = ReadonlyMap<string, boolean>;

/** Kinds that only a superuser may make, or that have no meaning in a database of Freehold, each with what a person is told. */
const NEVER: Readonly<Record<string, string>> = {
  'EVENT TRIGGER': 'only a superuser may make event triggers',
  'FOREIGN DATA WRAPPER': 'only a superuser may make foreign data wrappers',
  'FOREIGN SERVER': 'connections to other servers are not offered',
  SERVER: 'connections to other servers are not offered',
  'USER MAPPING': 'connections to other servers are not offered',
  'FOREIGN TABLE': 'connections to other servers are not offered; copy the rows into a table',
  SUBSCRIPTION: 'logical replication is not offered',
  PUBLICATION: 'logical replication is not offered',
  'ACCESS METHOD': 'only a superuser may make access methods',
  'OPERATOR CLASS': 'only a superuser may make operator classes',
  'OPERATOR FAMILY': 'only a superuser may make operator families',
  'SECURITY LABEL': 'no provider of security labels is offered',
  'DATABASE PROPERTIES': 'settings of the database as a whole are not taken over; set them again with ALTER DATABASE',
};

/** Left out without a word of their own: parts of what is told of already, and what every database has. */
const PARTS = new Set(['ACL', 'DEFAULT ACL', 'DATABASE', 'PUBLICATION TABLE', 'PUBLICATION TABLES IN SCHEMA', 'SUBSCRIPTION TABLE']);

/** What can be told of a dump alone, before there is a database to fill. */
export function findNotCarried(entries: readonly TocEntry[], use: RoleUse): NotCarried[] {
  const objects = entries.flatMap((entry) => {
    const why = NEVER[entry.kind];
    return why === undefined ? [] : [{ kind: entry.kind.toLowerCase(), name: nameOf(entry), why }];
  });
  const policies = entries.flatMap((entry) => {
    const missing = findMissingRoles(entry, use);
    return missing.length === 0 ? [] : [{ kind: 'policy', name: nameOf(entry), why: `it is for ${missing.join(', ')}, which does not exist there` }];
  });
  return [...findRoles(entries, use), ...objects, ...policies];
}

/** The extensions of a dump that cannot be made where it goes. */
export function findMissingExtensions(entries: readonly TocEntry[], offered: OfferedExtensions): NotCarried[] {
  return entries.filter(({ kind, name }) => kind === 'EXTENSION' && offered.get(name) !== true).map(({ name }) => ({
    kind: 'extension', name,
    why: offered.has(name) ? 'only a superuser may make it; what needs it fails' : 'it is not offered; what needs it fails',
  }));
}

/** The entries to restore: all but what is known not to be carried, and the comments on that. */
export function chooseCarried(entries: readonly TocEntry[], use: RoleUse, offered: OfferedExtensions): TocEntry[] {
  const isLeftOut = (entry: TocEntry): boolean =>
    entry.kind in NEVER || PARTS.has(entry.kind)
    // It is there already, and was not always left out of dumps.
    || (entry.kind === 'SCHEMA' && entry.name === 'public')
    || (entry.kind === 'EXTENSION' && offered.get(entry.name) !== true)
    || findMissingRoles(entry, use).length > 0;
  const commentsLeftOut = new Set(entries.filter(isLeftOut).map(describeForComment));
  return entries.filter((entry) => !isLeftOut(entry) && !(entry.kind === 'COMMENT' && commentsLeftOut.has(entry.name)));
}

/** What the comment on an object is named in a table of contents. */
function describeForComment({ kind, name }: TocEntry): string {
  if (kind === 'SCHEMA') return '';
  const [table, policy] = name.split(' ');
  return kind === 'POLICY' ? `POLICY ${policy} ON ${table}` : `${kind} ${name}`;
}

function findRoles(entries: readonly TocEntry[], { grants }: RoleUse): NotCarried[] {
  const owned = new Map<string, number>();
  for (const { owner, kind } of entries) if (owner !== undefined && !PARTS.has(kind)) owned.set(owner, (owned.get(owner) ?? 0) + 1);
  const names = [...new Set([...owned.keys(), ...grants.keys()])].filter((name) => !isBuiltIn(name)).sort();
  return names.map((name) => {
    const owns = owned.has(name) ? [`it owns ${count(owned.get(name), 'object')}, which will be the new owner's`] : [];
    const granted = grants.has(name) ? [`${count(grants.get(name), 'grant')} to ${name === 'PUBLIC' ? 'everybody' : 'it'} will be missing`] : [];
    return { kind: name === 'PUBLIC' ? 'privileges' : 'role', name, why: [...owns, ...granted].join('; ') };
  });
}

function findMissingRoles(entry: TocEntry, { policies }: RoleUse): string[] {
  if (entry.kind !== 'POLICY') return [];
  return (policies.get(nameOf(entry)) ?? []).filter((role) => !isBuiltIn(role));
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
