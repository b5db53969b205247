import type { TocEntry } from './read-archive.js';

/** Something whose content depends on how text is sorted. */
export interface Sorted {
  readonly kind: 'index' | 'unique index' | 'primary key' | 'unique constraint' | 'exclusion constraint' | 'partitions by range';
  /** With its schema. */
  readonly name: string;
}

const IDENTIFIER = '"(?:[^"]|"")+"|[^\\s",();]+';
const COLUMN = new RegExp(`^ {4}(${IDENTIFIER}) (.*)$`, 'gm');
/** Types that are sorted by the database's locale; `name` is not. */
const TEXT = /^(?:text|character varying|character|bpchar)\b|^(?:\S+\.)?citext\b/;
const TYPE = /^(?:"(?:[^"]|"")+"|[\w$]+)\.(?:"(?:[^"]|"")+"|[\w$]+)/;
/** Methods that keep their entries in order. */
const ORDERED = / USING (?:btree|brin|gist|spgist) \(/;

/** Finds what depends on the order of text in columns that name no collation of their own. */
export function findSorted(entries: readonly TocEntry[]): Sorted[] {
  const domains = new Set(
    entries
      .filter(({ kind, definition }) => kind === 'DOMAIN' && / AS (?:text|character)/.test(definition) && !definition.includes(' COLLATE '))
      .map(qualify),
  );
  const columns = new Map(
    entries.filter(({ kind }) => kind === 'TABLE').map((entry) => [entry.id, listTextColumns(entry.definition, domains)]),
  );
  // Of what type their columns are is not written down.
  const views = new Set(entries.filter(({ kind }) => kind === 'MATERIALIZED VIEW').map(({ id }) => id));
  return entries.flatMap((entry) => {
    if (entry.kind === 'TABLE') {
      const key = /\)\nPARTITION BY RANGE \((.*)\)/.exec(entry.definition)?.[1];
      return key !== undefined && mentions(key, columns.get(entry.id) ?? []) ? [{ kind: 'partitions by range', name: qualify(entry) }] : [];
    }
    const kind = kindOf(entry);
    const keys = entry.definition.replace(/^.*? USING \w+ \(|^.*? ADD CONSTRAINT (?:"(?:[^"]|"")+"|\S+) /s, '');
    const texts = entry.needs.flatMap((id) => columns.get(id) ?? []);
    const isSorted = entry.needs.some((id) => views.has(id)) || mentions(keys, texts);
    return kind !== undefined && isSorted ? [{ kind, name: qualify(entry) }] : [];
  });
}

function kindOf({ kind, definition }: TocEntry): Sorted['kind'] | undefined {
  if (kind === 'INDEX') return ORDERED.test(definition) ? (definition.startsWith('CREATE UNIQUE ') ? 'unique index' : 'index') : undefined;
  if (kind !== 'CONSTRAINT') return undefined;
  const [, form] = /(?: ADD CONSTRAINT (?:"(?:[^"]|"")+"|\S+)) (PRIMARY KEY|UNIQUE|EXCLUDE) /.exec(definition) ?? [];
  return form === 'PRIMARY KEY'
    ? 'primary key'
    : form === 'UNIQUE'
      ? 'unique constraint'
      : form === 'EXCLUDE'
        ? 'exclusion constraint'
        : undefined;
}

/** The columns of a table, as its definition writes them, that are sorted by the database's locale. */
function listTextColumns(definition: string, domains: ReadonlySet<string>): string[] {
  return [...definition.matchAll(COLUMN)].flatMap(([, name = '', rest = '']) => {
    const isText = TEXT.test(rest) || domains.has((TYPE.exec(rest)?.[0] ?? '').replaceAll('"', ''));
    return isText && !rest.includes(' COLLATE ') ? [name] : [];
  });
}

/** Whether one of the columns is in an expression without a collation or an operator class of its own. */
function mentions(expression: string, columns: readonly string[]): boolean {
  return columns.some((column) =>
    new RegExp(`(?<![\\w"])${escape(column)}(?![\\w"])(?!\\)? (?:COLLATE|(?:\\w+\\.)?(?:text|varchar|bpchar)_pattern_ops))`).test(
      expression,
    ),
  );
}

const escape = (text: string): string => text.replace(/[.*+?^${}()|[\]\\]/g, '\\$&');

const qualify = ({ schema, name }: TocEntry): string => (schema === undefined ? name : `${schema}.${name}`);
