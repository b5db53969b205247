import { afterAll, describe, expect, it } from 'vitest';
import { openLaboratory } from './support/laboratory.js';

const laboratory = await openLaboratory();
afterAll(() => laboratory.close());

async function requestedAtBoot(databaseId: string): Promise<string[]> {
  await laboratory.lookAtBoot();
  const rows = await laboratory.query<{ kind: string }>(`SELECT kind FROM operations WHERE subject_id = $1 AND requested_by = 'boot'`, [databaseId]);
  return rows.map(({ kind }) => kind);
}

async function makeDatabaseThatIsDown(): Promise<string> {
  const databaseId = await laboratory.makeDatabase('starter');
  for (const { id } of (await laboratory.database(databaseId)).instances) laboratory.engine.crashInstance(id);
  return databaseId;
}

describe('a worker that starts', () => {
  it('asks for the recovery of a database that is down', async () => {
    expect(await requestedAtBoot(await makeDatabaseThatIsDown())).toEqual(['recover']);
  });

  it('has it recorded with which PostgreSQL the database runs since, and again when another instance takes over', async () => {
    const { engine } = laboratory;
    const databaseId = await makeDatabaseThatIsDown();
    const before = engine.postgresVersion;
    engine.postgresVersion = '17.1';
    const { id } = await laboratory.request('recover', databaseId);
    expect(await laboratory.finish(id)).toMatchObject({ state: 'succeeded' });
    expect(await laboratory.database(databaseId)).toMatchObject({ postgresVersion: '17.1', epoch: 1 });
    engine.postgresVersion = '17.2';
    const failover = await laboratory.request('failover', databaseId, { epoch: 1, reason: 'test', forced: true, acceptDataLoss: false });
    expect(await laboratory.finish(failover.id)).toMatchObject({ state: 'succeeded' });
    expect(await laboratory.database(databaseId)).toMatchObject({ postgresVersion: '17.2', epoch: 2 });
    engine.postgresVersion = before;
  });

  it('leaves alone what an operator paused', async () => {
    const databaseId = await makeDatabaseThatIsDown();
    await laboratory.query(`UPDATE databases SET automation_paused = 'by hand' WHERE id = $1`, [databaseId]);
    expect(await requestedAtBoot(databaseId)).toEqual([]);
  });

  it('ends a reprotection that was under way: nothing can be made redundant while the primary is down', async () => {
    const databaseId = await makeDatabaseThatIsDown();
    await laboratory.request('reprotect', databaseId, { reason: 'a standby does not stream' });
    expect(await requestedAtBoot(databaseId)).toEqual(['recover']);
  });

  it('has not recovered what is down before the change that was under way has ended', async () => {
    const databaseId = await makeDatabaseThatIsDown();
    const { id } = await laboratory.requestDeletion(databaseId, true);
    const boot = await laboratory.lookAtBoot();
    expect(await boot.isFinished()).toBe(false);
    await laboratory.finish(id);
    await laboratory.query(`UPDATE operations SET state = 'cancelled', finished_at = now() WHERE requested_by = 'boot' AND finished_at IS NULL`);
    expect(await boot.isFinished()).toBe(true);
  });
});
