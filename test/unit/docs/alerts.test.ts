import { readdirSync, readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { BACKUP_ALERT_KINDS } from '../../../src/backups/sets/judge-backup-signs.js';
import { SIGN_KINDS } from '../../../src/health/judge-signs.js';

const DOCS = readFileSync('docs/alerts.md', 'utf8');
const sources = readdirSync('src', { recursive: true, encoding: 'utf8' }).filter((name) => name.endsWith('.ts')).map((name) => readFileSync(`src/${name}`, 'utf8'));
/** Kinds that are written where the alert is opened, or as the constant of a keeper that has one. */
const written = sources.filter((source) => source.includes('openAlert(')).flatMap((source) =>
  [...source.matchAll(/kind: '([a-z-]+)', severity|const \w*ALERT = '([a-z-]+)'/g)].map(([, kind, constant]) => kind ?? constant!));

describe('docs/alerts.md', () => {
  it.each([...new Set([...written, ...SIGN_KINDS, ...BACKUP_ALERT_KINDS])])('says what to do about %s', (kind) => {
    expect(DOCS).toMatch(new RegExp(`^\\| \`${kind}\` \\|.*\\| .{10,} \\|$`, 'm'));
  });

  it('finds what is written', () => {
    expect(written).toEqual(expect.arrayContaining(['primary', 'deadline-breached', 'operation-stuck', 'backup-site', 'clock', 'metadata-backup', 'copy']));
  });
});
