import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { DatabaseUnderTest } from '../support/database-under-test.js';
import { startControlPlane, type TestControlPlane } from '../support/control-plane.js';
import { ENDPOINTS } from './support/driver.js';
import { type Outcome, tryDrivers } from './support/matrix.js';
import { fromNpm } from './support/npm-driver.js';
import { isKnownFault, NPM_DRIVERS } from './support/npm-drivers.js';
import { errorsOf, tableOf } from './support/table.js';

/** What one driver throws where no program can catch it is not taken for a failure of the test; its clients go on. */
function catchKnownFault(): () => void {
  const others = process.listeners('uncaughtException');
  const listener = (error: Error, origin: NodeJS.UncaughtExceptionOrigin): void => {
    if (!isKnownFault(error)) for (const other of others) other(error, origin);
  };
  process.removeAllListeners('uncaughtException').on('uncaughtException', listener);
  return () => {
    process.off('uncaughtException', listener);
    for (const other of others) process.on('uncaughtException', other);
  };
}

let plane: TestControlPlane;
let release = (): void => undefined;
let outcomes: Outcome[] = [];

beforeAll(async () => {
  release = catchKnownFault();
  plane = await startControlPlane();
  outcomes = await tryDrivers(await DatabaseUnderTest.provision(plane), NPM_DRIVERS.map(fromNpm));
  if (process.env.TEST_DRIVERS_TABLE) console.info([tableOf(outcomes), errorsOf(outcomes)].join('\n\n'));
});
afterAll(async () => {
  await plane?.stop();
  release();
});

describe.each(NPM_DRIVERS.map(({ name }) => name))('%s', (name) => {
  it.each(ENDPOINTS)('at %s: does what it can, gets no wrong answer, and loses nothing that was acknowledged', (endpoint) => {
    const outcome = outcomes.find((one) => one.driver === name && one.endpoint === endpoint);
    expect(Object.values(outcome?.steps ?? {}).filter((result) => result !== 'ok' && result !== 'none')).toEqual([]);
    expect(outcome).toMatchObject({ lost: [], wrong: [], errorsInPeace: [] });
    if (endpoint === 'pooledUri') expect(outcome?.errorsOfSwitchover).toEqual([]);
  });
});
