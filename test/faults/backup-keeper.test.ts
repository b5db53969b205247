import { afterAll, afterEach, describe, expect, it } from 'vitest';
import { eventually } from '../support/servers.js';
import { openLaboratory } from './support/laboratory.js';

const laboratory = await openLaboratory();
afterAll(() => laboratory.close());
afterEach(async () => {
  laboratory.engine.backups.down.clear();
  laboratory.engine.backups.madeAt.clear();
  laboratory.engine.backups.slow.clear();
  await laboratory.query(`UPDATE databases SET automation_paused = 'the next test has its own' WHERE deleted_at IS NULL`);
});

const kindsOf = async (): Promise<string[]> => (await laboratory.keepBackups()).map(({ kind, state }) => `${kind} ${state}`);
/** What a jump of the clock is to whoever goes by records: they are all of as much earlier, or later, as before. */
async function jumpClock(byDays: number): Promise<void> {
  for (const [table, columns] of Object.entries(TIMES)) {
    await laboratory.query(`UPDATE ${table} SET ${columns.map((column) => `${column} = ${column} - make_interval(days => $1)`).join(', ')}`, [byDays]);
  }
}
const TIMES = {
  backups: ['requested_at', 'started_at', 'finished_at', 'proved_at'], backup_sets: ['archive_since'], backup_sites: ['since', 'tried_at'], operations: ['finished_at'],
  databases: ['provisioned_at', 'deleted_at', 'purge_at'], clock_reading: ['looked_at', 'doubted_at'],
};

const copiesOf = (databaseId: string) => laboratory.query<{ site: string; state: string }>(
  `SELECT c.site, c.state FROM backup_copies c WHERE c.backup_id = (SELECT id FROM backups WHERE database_id = $1 ORDER BY id DESC LIMIT 1) ORDER BY c.site`, [databaseId]);
const openAlerts = async (kind: string): Promise<string[]> =>
  (await laboratory.query<{ key: string }>('SELECT key FROM alerts WHERE kind = $1 AND resolved_at IS NULL', [kind])).map(({ key }) => key);

/** WAL that waits is looked at in every so many rounds. */
const INSPECT_EVERY = 5;

async function roundsOf(count: number): Promise<string[]> {
  const kinds: string[] = [];
  for (let round = 0; round < count; round += 1) kinds.push(...(await kindsOf()));
  return kinds;
}

/** Until the keeper has nothing to ask for. */
async function settle(): Promise<string[]> {
  const kinds: string[] = [];
  for (let round = await kindsOf(); round.length > 0; round = await kindsOf()) kinds.push(...round);
  return kinds;
}

describe('the keeper of backups', () => {
  it('makes a new database archive, and backs it up at every site, by itself', async () => {
    const databaseId = await laboratory.makeDatabase('starter');
    expect(await settle()).toEqual(['set-archive succeeded', 'back-up succeeded']);
    expect((await copiesOf(databaseId)).map(({ state }) => state)).toEqual(['stored', 'stored', 'stored', 'stored']);
  });

  it('takes a site out that is down, says so, and makes it whole again once it is back', async () => {
    const databaseId = await laboratory.makeDatabase('starter');
    await settle();
    laboratory.engine.backups.down.set('toronto', 'the disk is gone');
    expect(await settle()).toEqual(['set-archive succeeded']);
    expect(await openAlerts('backup-site')).toEqual(['backup-site:toronto']);
    const failed = await laboratory.finish((await laboratory.requestBackup(databaseId)).id);
    expect(failed).toMatchObject({ state: 'failed', error: { reason: expect.stringContaining('no copy at toronto') as string } });
    expect(await copiesOf(databaseId)).toEqual([
      { site: 'falkenstein', state: 'stored' }, { site: 'gravelines', state: 'stored' }, { site: 'helsinki', state: 'stored' }, { site: 'toronto', state: 'failed' }]);

    laboratory.engine.backups.down.clear();
    await laboratory.query(`UPDATE operations SET finished_at = finished_at - interval '1 hour' WHERE id = $1`, [failed.id]);
    expect(await settle()).toEqual(['set-archive succeeded', 'back-up succeeded']);
    expect(await openAlerts('backup-site')).toEqual([]);
    expect((await copiesOf(databaseId)).map(({ state }) => state)).toEqual(['stored', 'stored', 'stored', 'stored']);
  });

  it('makes a site whole that came back empty before anybody saw that it was gone', async () => {
    const databaseId = await laboratory.makeDatabase('starter');
    await settle();
    const archivedSince = () => laboratory.query<{ since: Date; sites: string[] }>('SELECT archive_since AS since, archive_sites AS sites FROM backup_sets WHERE database_id = $1', [databaseId]);
    const [before] = await archivedSince();
    const [now] = await laboratory.query<{ now: Date }>('SELECT clock_timestamp() AS now');
    laboratory.engine.backups.madeAt.set('toronto', now!.now);
    expect(await kindsOf()).toEqual(['set-archive succeeded']);
    expect(await openAlerts('backup-site')).toEqual(['backup-site:toronto']);
    expect(await settle()).toEqual(['set-archive succeeded', 'back-up succeeded']);
    const [after] = await archivedSince();
    expect(after!.sites.sort()).toEqual(before!.sites.sort());
    expect(after!.since.getTime()).toBeGreaterThan(before!.since.getTime());
    expect(await openAlerts('backup-site')).toEqual([]);
  });

  it('leaves a site out for which WAL waits though it answers, and makes it whole once it is fast again', async () => {
    const databaseId = await laboratory.makeDatabase('starter');
    await settle();
    const { backups } = laboratory.engine;
    backups.slow.set('gravelines', 2_100);
    const primary = (await laboratory.database(databaseId)).instances.find(({ role }) => role === 'primary')!.id;
    const archive = () => backups.archives.get(primary)!;
    archive().pendingFiles = 20;
    expect(await roundsOf(2 * INSPECT_EVERY)).toEqual(['set-archive succeeded']);
    expect(archive().sites).toEqual(['falkenstein', 'toronto']);
    expect(await laboratory.query(`SELECT message FROM alerts WHERE key = 'backup-site:gravelines' AND resolved_at IS NULL`)).toEqual([
      { message: expect.stringMatching(/Gravelines cannot be used: it is slow: a MiB takes 2\.\d s there/) as string }]);

    backups.slow.clear();
    expect(await roundsOf(INSPECT_EVERY)).toEqual([]);
    await laboratory.query(`UPDATE backup_sites SET tried_at = tried_at - interval '10 minutes'`);
    expect(await roundsOf(2 * INSPECT_EVERY)).toEqual(['set-archive succeeded', 'back-up succeeded']);
    expect([...archive().sites].sort()).toEqual(['falkenstein', 'gravelines', 'toronto']);
    expect((await copiesOf(databaseId)).map(({ state }) => state)).toEqual(['stored', 'stored', 'stored', 'stored']);
    expect(await openAlerts('backup-site')).toEqual([]);
  });

  it('makes a full backup after a failover', async () => {
    const databaseId = await laboratory.makeDatabase('starter');
    await settle();
    await laboratory.finish((await laboratory.request('failover', databaseId, { epoch: 1, reason: 'a test', forced: true, acceptDataLoss: false })).id);
    expect(await settle()).toEqual(['set-archive succeeded', 'back-up succeeded']);
  });

  it('lets a backup that was asked for right after a restore wait until the new primary archives', async () => {
    const databaseId = await laboratory.makeDatabase('starter');
    await settle();
    expect(await laboratory.finish((await laboratory.request('restore-in-place', databaseId, { wanted: { time: 'latest' } })).id)).toMatchObject({ state: 'succeeded' });
    const { id } = await laboratory.requestBackup(databaseId);
    // Nobody has told the new primary where to archive until the backup has come across that, or to its end.
    const archived = eventually(async () => {
      const { state, steps } = await laboratory.operation(id);
      return state === 'failed' || steps.some(({ detail }) => detail?.['waitingFor'] !== undefined);
    }).then(() => laboratory.archive(databaseId));
    const [made] = await Promise.all([laboratory.finish(id), archived]);
    expect(made).toMatchObject({ state: 'succeeded', error: null });
    expect((await copiesOf(databaseId)).map(({ state }) => state)).toEqual(['stored', 'stored', 'stored', 'stored']);
  });

  it('proves backups, and removes from every site what no slot keeps', async () => {
    const databaseId = await laboratory.makeDatabase('starter');
    await settle();
    await laboratory.query(`UPDATE backups SET finished_at = finished_at - interval '25 hours' WHERE database_id = $1`, [databaseId]);
    expect(await settle()).toEqual(['prove-backup succeeded']);

    for (let count = 0; count < 8; count += 1) await laboratory.finish((await laboratory.requestBackup(databaseId)).id);
    // All of one day that is over: the newest of them stays, and so does the one that was proved.
    await laboratory.query(`UPDATE backups SET started_at = started_at - interval '2 days' WHERE database_id = $1`, [databaseId]);
    laboratory.engine.backups.thaw(databaseId);
    expect(await settle()).toContain('expire-backups succeeded');
    expect(laboratory.engine.backups.stored(databaseId)).toHaveLength(2 * 4);
    expect(await laboratory.query(`SELECT FROM backups WHERE database_id = $1 AND expired_at IS NULL`, [databaseId])).toHaveLength(2);
  });
});

describe('a copy that a proof finds damaged', () => {
  it('is told with its site, another site proves the backup, and a new one is made', async () => {
    const databaseId = await laboratory.makeDatabase('starter');
    await settle();
    await laboratory.query(`UPDATE backups SET finished_at = finished_at - interval '25 hours' WHERE database_id = $1`, [databaseId]);
    const live = laboratory.engine.backups.sites().filter(({ kind }) => kind === 'live').map(({ id }) => id);
    const stored = laboratory.engine.backups.stored(databaseId).filter(({ site }) => live.includes(site));
    const sound = stored.at(-1)!;
    for (const { site, label } of stored) if (site !== sound.site) laboratory.engine.backups.corrupted.add(`${site} ${label}`);
    const done = await settle();
    expect(done.at(-1)).toBe('prove-backup succeeded');
    expect(done.filter((text) => text === 'prove-backup failed').length).toBeLessThan(live.length);
    expect(done.includes('prove-backup failed'), 'a damaged copy is met first or not at all').toBe(done.includes('back-up succeeded'));
    expect(await openAlerts('copy')).toHaveLength(done.filter((text) => text === 'prove-backup failed').length);
    expect(await openAlerts('proof')).toEqual([]);
  });
});

describe('a clock that jumps', () => {
  const storedCopies = (databaseId: string): number => laboratory.engine.backups.stored(databaseId).length;
  /** What the keeper asks for in so many rounds, without an end to wait for. */
  async function rounds(count: number): Promise<string[]> {
    const kinds: string[] = [];
    for (let round = 0; round < count; round += 1) kinds.push(...await kindsOf());
    return kinds;
  }
  const nameOf = (kinds: readonly string[], kind: string): string[] => kinds.filter((name) => name.startsWith(kind));

  it.each([-400, -1])('by %i days makes one more backup, and removes none', async (days) => {
    const databaseId = await laboratory.makeDatabase('starter');
    await settle();
    await jumpClock(days);
    expect(nameOf(await rounds(6), 'back-up')).toEqual(['back-up succeeded']);
    expect(storedCopies(databaseId)).toBe(2 * 4);
    await laboratory.finish((await laboratory.request('failover', databaseId, { epoch: 1, reason: 'a test', forced: true, acceptDataLoss: false })).id);
    expect(nameOf(await rounds(6), 'back-up'), 'a hole is seen').toEqual(['back-up succeeded']);
    expect(storedCopies(databaseId)).toBe(3 * 4);
    await jumpClock(-days);
    await rounds(6);
    expect(storedCopies(databaseId)).toBeGreaterThanOrEqual(2 * 4);
  });

  it('a year ahead and back leaves the backups as they were, and they are made each day again', async () => {
    const databaseId = await laboratory.makeDatabase('starter');
    await settle();
    await jumpClock(365);
    expect(nameOf(await rounds(6), 'back-up')).toEqual(['back-up succeeded']);
    await jumpClock(-365);
    expect(await rounds(6)).toEqual([]);
    expect(storedCopies(databaseId)).toBe(2 * 4);
    await jumpClock(1);
    expect(nameOf(await rounds(6), 'back-up')).toEqual(['back-up succeeded']);
    const [signs] = await laboratory.query<{ newest: boolean }>(`SELECT count(*) FILTER (WHERE started_at > now()) = 1 AS newest FROM backups WHERE database_id = $1`, [databaseId]);
    expect(signs).toEqual({ newest: true });
  });

  it('is no reason to ask again and again for what has failed', async () => {
    const databaseId = await laboratory.makeDatabase('starter');
    await settle();
    laboratory.engine.fail('backUp', { kind: 'permanent', times: Infinity, databaseId });
    await jumpClock(1);
    expect(nameOf(await rounds(3), 'back-up')).toEqual(['back-up failed']);
    await jumpClock(-1);
    expect(nameOf(await rounds(6), 'back-up').length).toBeLessThanOrEqual(1);
  });

  it('destroys nothing of a deleted database until it has been steady for a day', async () => {
    const databaseId = await laboratory.makeDatabase('starter');
    await settle();
    await laboratory.finish((await laboratory.requestDeletion(databaseId)).id);
    await jumpClock(365);
    expect(await rounds(3)).toEqual([]);
    expect(await openAlerts('clock')).toEqual(['clock']);
    await jumpClock(-365);
    expect(await rounds(3)).toEqual([]);
    expect(await openAlerts('clock'), 'nothing is due').toEqual([]);
    expect(storedCopies(databaseId)).toBe(4);

    await jumpClock(8);
    expect(await rounds(1)).toEqual([]);
    await laboratory.query(`UPDATE clock_reading SET doubted_at = doubted_at - interval '1 day'`);
    expect(await rounds(1)).toEqual(['purge-backups succeeded']);
    expect(await openAlerts('clock')).toEqual([]);
  });
});
