import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { DatabaseUnderTest } from '../support/database-under-test.js';
import { startControlPlane, type TestControlPlane } from '../support/control-plane.js';
import { ENDPOINTS } from './support/driver.js';
import { type Outcome, tryDrivers } from './support/matrix.js';
import { findProgram } from './support/program-driver.js';
import { programs } from './support/programs.js';
import { errorsOf, tableOf } from './support/table.js';

const folder = mkdtempSync(join(tmpdir(), 'freehold-drivers-'));
/** `DRIVERS=JDBC,pgx npm run test:drivers` tries these alone. */
const wanted = process.env.DRIVERS?.split(',');
const found = programs(folder).filter(({ name }) => !wanted || wanted.includes(name)).map(findProgram);
const drivers = found.flatMap((driver) => ('missing' in driver ? [] : [driver]));
const missing = found.flatMap((driver) => ('missing' in driver ? [driver] : []));

let plane: TestControlPlane;
let outcomes: Outcome[] = [];

beforeAll(async () => {
  plane = await startControlPlane();
  outcomes = await tryDrivers(await DatabaseUnderTest.provision(plane, 'standard'), drivers, (what) => console.info(`${new Date().toISOString().slice(11, 19)} ${what}`));
});
afterAll(async () => {
  console.info(['', tableOf(outcomes), '', 'Errors that clients were told, by the switchover and the kill:', errorsOf(outcomes), '', ...missing.map((one) => `not tried: ${one.name}: ${one.missing}`)].join('\n'));
  await plane?.stop();
  rmSync(folder, { recursive: true, force: true });
});

describe.each(drivers.map(({ name }) => name))('%s', (name) => {
  it.each(ENDPOINTS)('at %s: does what it can, gets no wrong answer, and loses nothing that was acknowledged', (endpoint) => {
    const outcome = outcomes.find((one) => one.driver === name && one.endpoint === endpoint);
    expect(Object.values(outcome?.steps ?? {}).filter((result) => result !== 'ok' && result !== 'none')).toEqual([]);
    expect(outcome).toMatchObject({ lost: [], wrong: [], errorsInPeace: [] });
    if (endpoint === 'pooledUri') expect(outcome?.errorsOfSwitchover).toEqual([]);
  });
});

describe.skipIf(missing.length === 0).each(missing)('$name', ({ missing: why }) => {
  it.skip(`is not tried here: ${why}`, () => undefined);
});
