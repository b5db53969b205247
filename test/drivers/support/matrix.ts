import pg from 'pg';
import type { DatabaseUnderTest } from '../../support/database-under-test.js';
import { eventually } from '../../support/servers.js';
import { type Driver, type EndpointName, ENDPOINTS, KEPT_ROWS, type Place, type Run, type StepResults } from './driver.js';
import { judge } from './record.js';

/** Clients at once: as a web server's at `pooledUri`, whose statements have the same names. */
const CLIENTS: { readonly [Endpoint in EndpointName]: number } = { uri: 2, pooledUri: 8, readOnlyUri: 1 };
/** Rows and answers after each event, by which clients show that they get on. */
const GOES_ON = 20;
const GOES_ON_WITHIN_MS = 60_000;
/** Programs that start at once take each other's processor. */
const TRIED_AT_ONCE = 4;

/** What came of one driver at one endpoint. */
export interface Outcome {
  readonly driver: string;
  readonly version: string;
  readonly endpoint: EndpointName;
  readonly steps: StepResults;
  readonly acknowledged: number;
  readonly answers: number;
  /** What clients were told by an error: connections cut by the switchover or the kill. */
  readonly errors: readonly string[];
  /** Errors before anything had happened. */
  readonly errorsInPeace: readonly string[];
  readonly errorsOfSwitchover: readonly string[];
  readonly lost: readonly number[];
  readonly wrong: readonly string[];
}

interface Running extends Run {
  readonly driver: Driver;
  readonly place: Place;
  readonly steps: StepResults;
  /** How many errors there were at the end of peace, and after the switchover. */
  readonly errorsUntil: number[];
}

/** Tries each driver at each endpoint, then lets all of them work through a switchover and the loss of the primary. */
export async function tryDrivers(database: DatabaseUnderTest, drivers: readonly Driver[], tell: (what: string) => void = () => undefined): Promise<Outcome[]> {
  const tried = await inTurn(drivers, async (driver, index) => {
    const found = await tryOut(database, driver, index);
    tell(`${driver.name} was tried`);
    return found;
  });
  tell('all at work');
  const running = await Promise.all(tried.flat().map(async (one): Promise<Running> => ({ ...one, ...(await one.driver.run(one.place, CLIENTS[one.place.endpoint])), errorsUntil: [] })));
  try {
    await goOn(running, 'at first');
    for (const { record, errorsUntil } of running) errorsUntil.push(record.errors.length);
    tell('switchover');
    await switchOver(database);
    await goOn(running, 'after the switchover');
    for (const { record, errorsUntil } of running) errorsUntil.push(record.errors.length);
    tell('the primary is killed');
    await database.signal((await database.instance('primary')).id, 'SIGKILL');
    await eventually(async () => (await database.read()).epoch === 3);
    await goOn(running, 'after the kill');
  } finally {
    tell('all are told to stop');
    await Promise.all(running.map((run) => run.stop()));
  }
  await database.settled();
  const outcomes: Outcome[] = [];
  for (const run of running) outcomes.push(await conclude(database, run));
  return outcomes;
}

/** A busy machine may not have written a checkpoint in time; then the old primary goes on, and it is asked again. */
async function switchOver(database: DatabaseUnderTest): Promise<void> {
  await eventually(async () => {
    const { state, error } = await database.ended(await database.switchover());
    if (state !== 'succeeded') throw new Error(`the switchover failed: ${JSON.stringify(error)}`);
    return true;
  }, 120_000);
  await database.settled(2);
}

async function tryOut(database: DatabaseUnderTest, driver: Driver, index: number): Promise<Pick<Running, 'driver' | 'place' | 'steps'>[]> {
  const table = (endpoint: EndpointName): string => `driver_${index}_${endpoint === 'pooledUri' ? 'pooled' : 'session'}`;
  const tried = [];
  for (const endpoint of ENDPOINTS) {
    const place = { endpoint, uri: database.credentials[endpoint], table: table(endpoint) };
    if (endpoint === 'readOnlyUri') await arrived(place);
    tried.push({ driver, place, steps: await driver.tryOut(place) });
  }
  return tried;
}

/** Waits until a standby shows what the primary has committed. */
async function arrived({ uri, table }: Place): Promise<void> {
  await eventually(async () => (await readTable(uri, table)).size >= KEPT_ROWS, 10_000);
}

async function readTable(uri: string, table: string): Promise<Map<number, string>> {
  const client = new pg.Client({ connectionString: uri, connectionTimeoutMillis: 20_000 });
  client.on('error', () => undefined);
  await client.connect();
  const { rows } = await client.query<{ id: string; value: string }>(`SELECT id, value FROM ${table}`).finally(() => client.end());
  return new Map(rows.map(({ id, value }) => [Number(id), value]));
}

/** Waits until all clients have got on since now; of those that do not it is noted, so that the others' results are not lost. */
async function goOn(running: readonly Running[], since: string): Promise<void> {
  const before = new Map(running.map(({ record }) => [record, record.progress]));
  const behind = (): Running[] => running.filter(({ record }) => record.progress < (before.get(record) ?? 0) + GOES_ON);
  await eventually(() => behind().length === 0, GOES_ON_WITHIN_MS).catch(() => undefined);
  for (const { record } of behind()) record.wrong.push(`the clients did not get on ${since}: ${record.errors.at(-1) ?? 'without an error'}`);
}

async function conclude(database: DatabaseUnderTest, { driver, place, steps, record, errorsUntil: [peace = 0, switchover = 0] }: Running): Promise<Outcome> {
  return {
    driver: driver.name, version: driver.version, endpoint: place.endpoint, steps,
    acknowledged: record.acknowledged.length, answers: record.answers, errors: record.errors,
    errorsInPeace: record.errors.slice(0, peace), errorsOfSwitchover: record.errors.slice(peace, switchover),
    ...judge(record, await eventually(() => readTable(database.credentials.uri, place.table))),
  };
}

async function inTurn<Item, Result>(items: readonly Item[], work: (item: Item, index: number) => Promise<Result>): Promise<Result[]> {
  const results: Result[] = [];
  const queue = [...items.entries()];
  await Promise.all(Array.from({ length: TRIED_AT_ONCE }, async () => {
    for (let next = queue.shift(); next; next = queue.shift()) results[next[0]] = await work(next[1], next[0]);
  }));
  return results;
}
