import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { decideMetadataCare, type MetadataFacts, type MetadataSite } from '../../../../src/backups/metadata/decide-metadata-care.js';

const NOW = new Date('2026-11-24T12:00:00Z');
const hoursAgo = (hours: number): Date => new Date(NOW.getTime() - hours * 3_600_000);
const backup = (hours: number) => ({ label: `${hours}h`, startedAt: hoursAgo(hours) });
const live = (id: string, ...ages: number[]): MetadataSite => ({ id, kind: 'live', backups: ages.map(backup) });
const frozen = (...ages: number[]): MetadataSite => ({ id: 'cold', kind: 'frozen', backups: ages.map((age) => ({ ...backup(age), frozenUntil: hoursAgo(age - 6.5 * 24) })) });
const facts = (sites: MetadataSite[], archive: Partial<MetadataFacts['archive']> = {}): MetadataFacts =>
  ({ sites, archive: { sites: sites.filter(({ kind }) => kind === 'live').map(({ id }) => id), since: hoursAgo(1_000), provedAt: hoursAgo(1), ...archive } });

describe('what the backups of the metadata need', () => {
  it('is an archive first, at the sites that can be used', () => {
    expect(decideMetadataCare(facts([live('a'), live('b')], { sites: [] }), NOW)).toEqual({ archiveTo: ['a', 'b'], backUpAt: [], expire: [] });
    expect(decideMetadataCare(facts([live('a')], { sites: ['b', 'a'] }), NOW)).toMatchObject({ archiveTo: ['a'] });
  });

  it('is a full backup at every site that has none, and once a day', () => {
    expect(decideMetadataCare(facts([live('a'), live('b', 1)]), NOW).backUpAt).toEqual(['a']);
    expect(decideMetadataCare(facts([live('a', 30), live('b', 0.5)]), NOW).backUpAt).toEqual(['a']);
  });

  it('is a full backup everywhere after the archive was set anew, or WAL was given up', () => {
    expect(decideMetadataCare(facts([live('a', 1), live('b', 1)], { since: hoursAgo(0.5) }), NOW).backUpAt).toEqual(['a', 'b']);
    expect(decideMetadataCare(facts([live('a', 1), live('b', 1)], { droppedAt: hoursAgo(0.5) }), NOW).backUpAt).toEqual(['a', 'b']);
  });

  it('is nothing for a backup of the second in which the archive was set', () => {
    const since = new Date(hoursAgo(1).getTime() + 900);
    expect(decideMetadataCare(facts([live('a', 1)], { since }), NOW)).toEqual({ backUpAt: [], expire: [] });
  });

  it('is a copy in cold storage of the newest backup, once a day', () => {
    expect(decideMetadataCare(facts([live('a', 2, 30), live('b', 1), frozen(30)]), NOW).freeze).toEqual({ from: { site: 'b', label: '1h' }, to: 'cold' });
    expect(decideMetadataCare(facts([live('a', 1), frozen(2)]), NOW).freeze).toBeUndefined();
    expect(decideMetadataCare(facts([live('a'), frozen()]), NOW).freeze).toBeUndefined();
  });

  it('is a proof a day of a backup that is an hour old, at a site that has one', () => {
    const provedAt = hoursAgo(25);
    expect(decideMetadataCare(facts([live('a', 2), live('b')], { provedAt }), NOW).prove).toEqual({ site: 'a', label: '2h' });
    expect(decideMetadataCare(facts([live('a', 2)], { provedAt: undefined }), NOW).prove).toEqual({ site: 'a', label: '2h' });
    expect(decideMetadataCare(facts([live('a', 0.5)], { provedAt }), NOW).prove).toBeUndefined();
    expect(decideMetadataCare(facts([live('a', 2)]), NOW).prove).toBeUndefined();
    const sitesOfDays = [0, 24, 48].map((hours) => decideMetadataCare(facts([live('a', 2), live('b', 2), live('c', 2)], { provedAt: undefined }), new Date(NOW.getTime() + hours * 3_600_000)).prove?.site);
    expect(new Set(sitesOfDays).size).toBe(3);
  });

  it('is not the same again once it was done, whatever times a clock that was ahead has left', () => {
    const hours = fc.integer({ min: -9_000, max: 9_000 });
    const site = (id: string) => fc.uniqueArray(hours, { maxLength: 12 }).map((ages) => live(id, ...ages.sort((a, b) => a - b)));
    fc.assert(fc.property(site('a'), site('b'), hours, hours, hours, (a, b, since, dropped, proved) => {
      const archive = { since: hoursAgo(since), droppedAt: hoursAgo(dropped), provedAt: hoursAgo(proved) };
      const { backUpAt, prove } = decideMetadataCare(facts([a, b], archive), NOW);
      const after = [a, b].map((found) => (backUpAt.includes(found.id) ? { ...found, backups: [{ label: 'new', startedAt: NOW }, ...found.backups] } : found));
      const again = decideMetadataCare(facts(after, { ...archive, ...(prove && { provedAt: NOW }) }), new Date(NOW.getTime() + 1_000));
      expect(again.backUpAt).toEqual([]);
      expect(again.prove).toBeUndefined();
      for (const { backups } of after) expect(backups.some(({ startedAt }) => startedAt <= NOW && startedAt >= hoursAgo(24))).toBe(true);
    }));
  });

  it('is the removal of what no slot keeps: never the newest of a site, nor a frozen one before its time', () => {
    const days = Array.from({ length: 10 }, (_, day) => day * 24 + 1);
    const { expire } = decideMetadataCare(facts([live('a', ...days, ...days.map((age) => age + 1)), frozen(...days.map((age) => age + 2), ...days.map((age) => age + 3))]), NOW);
    expect(expire.filter(({ site }) => site === 'a').length).toBeGreaterThan(0);
    expect(expire).not.toContainEqual({ site: 'a', label: '1h' });
    for (const { label } of expire.filter(({ site }) => site === 'cold')) expect(Number.parseInt(label)).toBeGreaterThanOrEqual(6.5 * 24);
    expect(decideMetadataCare(facts([live('a', 2_400)]), NOW).expire).toEqual([]);
  });
});
