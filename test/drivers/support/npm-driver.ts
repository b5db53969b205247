import { answerFor, firstRowOf, Record, valueOf } from './record.js';
import { type Driver, KEPT_ROWS, type Place, type Run, type StepResult, type StepResults } from './driver.js';

/** One client: a connection, or a pool that makes one by itself. */
export interface NpmClient {
  create(): Promise<unknown>;
  insert(id: number, value: string): Promise<unknown>;
  /** Two rows in a transaction, which is rolled back if `undo` says so. */
  insertPair(id: number, undo: boolean): Promise<unknown>;
  /** By a prepared statement which is called the same in every client, where the driver lets one choose. */
  find(id: number): Promise<string | undefined>;
  /** Writes rows by COPY; undefined where the driver has none. */
  copy?(ids: readonly number[]): Promise<unknown>;
  /** Listens, notifies itself, and answers with what came. */
  notify?(message: string): Promise<string>;
  close(): Promise<unknown>;
}

export interface NpmDriver {
  readonly name: string;
  readonly version: string;
  /** `client` stands in the text of its statements: see {@link answerFor}. */
  connect(place: Place, client: number): Promise<NpmClient>;
  /** Whether a client connects again by itself after an error. */
  readonly pools: boolean;
}

export const selectAnswer = (table: string, client: number, parameter = '$1'): string => `SELECT value || ' for ${client}' AS answer FROM ${table} WHERE id = ${parameter}`;

/** A rest between two rounds: what is looked for is wrong answers, and other tests want the processor too. */
const REST_MS = 50;
/** How long a client waits after an error, as programs do. */
const AGAIN_MS = 200;
const COPIED = 50;
/** Longer than a pooler lets anybody wait; a driver that hangs beyond that gets a new client. */
const PATIENCE_MS = 30_000;

export function fromNpm(npm: NpmDriver): Driver {
  return {
    name: npm.name,
    version: npm.version,
    tryOut: (place) => tryOut(npm, place),
    run: async (place, clients) => start(npm, place, clients),
  };
}

async function tryOut(npm: NpmDriver, place: Place): Promise<StepResults> {
  const client = await npm.connect(place, 1);
  try {
    if (place.endpoint === 'readOnlyUri') return { refusal: await step(async () => isRefused(client)) };
    return {
      create: await step(() => client.create()),
      prepared: await step(() => tryPrepared(client)),
      transaction: await step(() => tryTransaction(client)),
      copy: client.copy ? await step(() => tryCopy(client)) : 'none',
      notification: client.notify && place.endpoint === 'uri' ? await step(async () => expectSame(await client.notify?.('hello'), 'hello')) : 'none',
    };
  } finally {
    await client.close();
  }
}

async function step(body: () => Promise<unknown>): Promise<StepResult> {
  return body().then(() => 'ok', (error: unknown) => String(error));
}

async function tryPrepared(client: NpmClient): Promise<void> {
  for (let id = 1; id <= KEPT_ROWS; id += 1) await client.insert(id, valueOf(id));
  for (let id = 1; id <= KEPT_ROWS; id += 1) expectSame(await client.find(id), answerFor(id, 1));
}

async function tryTransaction(client: NpmClient): Promise<void> {
  await client.insertPair(101, false);
  await client.insertPair(103, true);
  expectSame([await client.find(101), await client.find(102), await client.find(103)], [answerFor(101, 1), answerFor(102, 1), undefined]);
}

async function tryCopy(client: NpmClient): Promise<void> {
  const ids = Array.from({ length: COPIED }, (_, index) => 1_001 + index);
  await client.copy?.(ids);
  expectSame(await client.find(1_000 + COPIED), answerFor(1_000 + COPIED, 1));
}

/** Whatever class a driver makes of it, somewhere it holds what the server said. */
async function isRefused(client: NpmClient): Promise<void> {
  const refusal = await client.insert(9_999, 'never').then(() => 'nothing', (error: unknown) => chainOf(error));
  if (!refusal.includes('read-only transaction')) throw new Error(`a write at readOnlyUri ended with: ${refusal}`);
}

/** What the server or the network said; layers above wrap it. */
const rootOf = (error: unknown): unknown => (error instanceof Error && error.cause ? rootOf(error.cause) : error instanceof Error ? error : JSON.stringify(error));
const chainOf = (error: unknown): string => (error instanceof Error ? `${error.message} ${JSON.stringify(error)} ${chainOf(error.cause)}` : String(error));

function expectSame(found: unknown, wanted: unknown): void {
  if (JSON.stringify(found) !== JSON.stringify(wanted)) throw new Error(`${JSON.stringify(found)} instead of ${JSON.stringify(wanted)}`);
}

function start(npm: NpmDriver, place: Place, clients: number): Run {
  const record = new Record();
  const state = { stopping: false };
  const working = Array.from({ length: clients }, (_, client) => keepWorking(npm, place, client, record, state));
  return {
    record,
    async stop() {
      state.stopping = true;
      await Promise.all(working);
    },
  };
}

async function keepWorking(npm: NpmDriver, place: Place, number: number, record: Record, state: { readonly stopping: boolean }): Promise<void> {
  const round = place.endpoint === 'readOnlyUri' ? readKept(number, record) : writeAndRead(number, record);
  let client: NpmClient | undefined;
  while (!state.stopping) {
    try {
      const current: NpmClient = (client ??= await withinPatience(npm.connect(place, number)));
      await withinPatience(round(current));
      await rest(REST_MS);
    } catch (error) {
      record.errors.push(String(rootOf(error)));
      if (!npm.pools || error instanceof Stuck) {
        client?.close().catch(() => undefined);
        client = undefined;
      }
      await rest(AGAIN_MS);
    }
  }
  if (client) await withinPatience(client.close()).catch(() => undefined);
}

class Stuck extends Error {}

async function withinPatience<Result>(working: Promise<Result>): Promise<Result> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_resolve, reject) => {
    timer = setTimeout(() => reject(new Stuck(`no answer within ${PATIENCE_MS} ms`)), PATIENCE_MS);
  });
  return Promise.race([working, late]).finally(() => clearTimeout(timer));
}

/** A row; in each fourth round a pair of rows in a transaction; then the newest acknowledged row is asked for. */
function writeAndRead(number: number, record: Record): (client: NpmClient) => Promise<void> {
  let next = firstRowOf(number);
  let turn = 0;
  return async (client) => {
    const id = next;
    next += 3;
    turn += 1;
    await client.insert(id, valueOf(id));
    record.wrote(id);
    if (turn % 4 === 0) {
      record.pairs.push(id + 1);
      await client.insertPair(id + 1, false);
      record.wrote(id + 1);
      record.wrote(id + 2);
    }
    record.answered(id, number, await client.find(id));
  };
}

function readKept(number: number, record: Record): (client: NpmClient) => Promise<void> {
  let turn = 0;
  return async (client) => {
    const id = 1 + (turn++ % KEPT_ROWS);
    record.answered(id, number, await client.find(id));
  };
}

const rest = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));
