import { createConnection } from 'node:net';
import { setTimeout as delay } from 'node:timers/promises';

import { reasonOf } from '../../../../base/reason-of.js';
import { EngineError } from '../../../errors.js';
import { superseded } from '../../machine/gate.js';
import { timeIsOver } from '../../../wait-until.js';
import { REFUSALS, type Refusal } from './router-config.js';
import { requireId } from '../../../require-id.js';
import { entryValue, type RouterEntry } from './router-entry.js';

/** The router has one loop: silence for this long means that nobody is served. */
const ANSWER_WITHIN_MS = 5_000;
/** HAProxy ends each answer with an empty line and its prompt. */
const PROMPT = '\n> ';
/** From this many ports on, all slots are read at once. */
const FEW_PORTS = 16;
const CUT_POLL_MS = 3;
/** Between two looks at all sessions of a region, which may be many. */
const LIST_POLL_MS = 25;

/** The router's admin socket, and the ports behind it. */
export interface RouterConsole {
  readonly socketPath: string;
  readonly firstPort: number;
  /** For messages, such as `the router of europe`. */
  readonly name: string;
}

/**
 * Gives commands in one connection, all at once, and answers what was said to each.
 *
 * @throws EngineError `transient` if the router is not there, so that nothing was said to it; `outcome-unknown` if it was silent.
 */
export async function askRouter(console: RouterConsole, commands: readonly string[], signal: AbortSignal): Promise<string[]> {
  if (signal.aborted) throw timeIsOver(`${console.name} to answer`, signal);
  if (commands.length === 0) return [];
  return new Promise((resolve, reject) => {
    const socket = createConnection({ path: console.socketPath });
    const heard: Buffer[] = [];
    let connected = false;
    const end = (settle: () => void): void => {
      clearTimeout(timer);
      signal.removeEventListener('abort', over);
      socket.destroy();
      settle();
    };
    const fail = (cause: unknown): void => end(() => reject(noAnswer(console, connected, cause)));
    const timer = setTimeout(() => fail(new Error(`not within ${ANSWER_WITHIN_MS} ms`)), ANSWER_WITHIN_MS);
    const over = (): void => fail(signal.reason);
    signal.addEventListener('abort', over, { once: true });
    socket.once('connect', () => {
      connected = true;
      socket.write(`prompt\n${commands.map((command) => `${command}\n`).join('')}`);
    });
    socket.on('data', (chunk) => {
      heard.push(chunk);
      if (!endsWithPrompt(chunk, heard)) return;
      // What precedes the first prompt is the answer to `prompt` itself.
      const answers = Buffer.concat(heard).toString('utf8').split(PROMPT);
      if (answers.length >= commands.length + 2) end(() => resolve(answers.slice(1, -1).map((answer) => answer.trim())));
    });
    socket.once('error', fail);
    socket.once('end', () => fail(new Error('it closed the connection')));
  });
}

/** @throws EngineError if the router does not serve */
export async function pingRouter(console: RouterConsole, signal: AbortSignal): Promise<void> {
  const [answer = ''] = await askRouter(console, ['route ping'], signal);
  acceptAnswer(answer, undefined);
}

/** So that a long answer, which comes in many parts, is put together only when it may be whole. */
function endsWithPrompt(chunk: Buffer, heard: readonly Buffer[]): boolean {
  const tail = chunk.length >= PROMPT.length ? chunk : Buffer.concat(heard.slice(-PROMPT.length));
  return tail.subarray(-PROMPT.length).toString('latin1') === PROMPT;
}

function noAnswer(console: RouterConsole, connected: boolean, cause: unknown): EngineError {
  const words = reasonOf(cause);
  if (!connected)
    return new EngineError('transient', `${console.name} is not there: ${words}`, 'it is started again by its watcher: try again', {
      cause,
    });
  return new EngineError('outcome-unknown', `${console.name} did not answer: ${words}`, 'try again with the same token', { cause });
}

/**
 * Sets entries, each in one step of the router. Those before a refused one are set.
 *
 * @throws EngineError `superseded` if the router has seen a higher token of the database; `permanent` if the port is another's.
 */
export async function setEntries(console: RouterConsole, entries: readonly RouterEntry[], signal: AbortSignal): Promise<void> {
  const commands = entries.map((entry) => `route set ${entry.port} ${entry.token} ${entry.databaseId} ${entryValue(entry)}`);
  const answers = await askRouter(console, commands, signal);
  for (const [index, answer] of answers.entries()) acceptAnswer(answer, entries[index]);
}

/**
 * Makes ports lead nowhere, and refuses older tokens of the database from then on. Ports that are another's by now are left
 * alone. What was refused there is forgotten: the next database at these ports begins anew.
 */
export async function removeEntries(
  console: RouterConsole,
  ports: readonly number[],
  databaseId: string,
  token: bigint,
  signal: AbortSignal,
): Promise<void> {
  requireId(databaseId);
  const removals = ports.map((port) => `route remove ${port} ${token} ${databaseId}`);
  const answers = await askRouter(console, [...removals, ...ports.map((port) => `clear table refusals key ${port}`)], signal);
  for (const answer of answers.slice(0, removals.length)) acceptAnswer(answer, { databaseId, token });
}

function acceptAnswer(
  answer: string,
  route: { readonly databaseId: string; readonly token: bigint; readonly port?: number } | undefined,
): void {
  if (answer === 'done') return;
  const [word, detail = '?'] = answer.split(' ');
  if (word === 'superseded' && route) throw superseded({ name: `the route of ${route.databaseId}`, token: route.token }, detail);
  if (word === 'taken' && route) {
    throw new EngineError(
      'permanent',
      `port ${route.port ?? 0} belongs to ${detail}, not to ${route.databaseId}`,
      'remove the route of that database first',
    );
  }
  throw new EngineError('permanent', `the router refused a change: ${answer}`, 'see its log');
}

/**
 * Ends all sessions of ports, and nobody else's; returns once none is left. Who waits at a held port has no session yet.
 * A port that is open meanwhile gets new ones: hold it before.
 *
 * HAProxy 2.6 first delivers what it holds for an instance: one that lives and does not read, or cannot be reached, keeps
 * the call waiting until it is killed, or for as long as a peer may leave bytes unacknowledged (40 s).
 */
export async function cutSessions(console: RouterConsole, ports: readonly number[], signal: AbortSignal): Promise<void> {
  const commands = ports.flatMap((port) => [`shutdown sessions server instances/s${slotOf(console, port)}`, statCommand(console, port)]);
  for (;;) {
    const answers = await askRouter(console, commands, signal);
    const left = readSessions(console, answers);
    if (ports.every((port) => (left.get(port) ?? 0) === 0)) return;
    // They are marked, and end when the router comes to them.
    await delay(CUT_POLL_MS);
  }
}

/**
 * Ends the sessions of ports whose clients come from sources of which a condition holds, and nobody else's; returns once none is
 * left, with how many there were. New ones are the map's to refuse.
 *
 * A session can only be named by where it is in the router's memory. Between the look and the word a session that has ended by itself
 * may have left that place to another one; the two follow each other in one connection to keep that time short.
 */
export async function cutSources(
  console: RouterConsole, ports: readonly number[], isStranger: (source: string) => boolean, signal: AbortSignal,
): Promise<number> {
  const cut = new Set<string>();
  for (;;) {
    const [list = ''] = await askRouter(console, ['show sess'], signal);
    const strangers = parseSessions(console, list).filter(({ port, source }) => ports.includes(port) && isStranger(source));
    if (strangers.length === 0) return cut.size;
    await askRouter(console, strangers.map(({ id }) => `shutdown session ${id}`), signal);
    for (const { id, source, sourcePort } of strangers) cut.add(`${id} ${source} ${sourcePort}`);
    // They are marked, and end when the router comes to them.
    await delay(LIST_POLL_MS);
  }
}

/** A session that has, or is getting, a connection to an instance. */
export interface RouterSession {
  readonly id: string;
  /** Of the router's, at which the client came in. */
  readonly port: number;
  readonly source: string;
  readonly sourcePort: number;
}

const SESSION = /^(0x[0-9a-f]+): proto=\S+ src=(\S+):(\d+) fe=clients be=instances srv=s(\d+) /;

/** Reads what `show sess` says. */
export function parseSessions({ firstPort }: Pick<RouterConsole, 'firstPort'>, list: string): RouterSession[] {
  return list.split('\n').flatMap((line) => {
    const [, id, source, sourcePort, slot] = SESSION.exec(line) ?? [];
    if (id === undefined || source === undefined) return [];
    return [{ id, source, sourcePort: Number(sourcePort), port: firstPort + Number(slot) - 1 }];
  });
}

/** How many sessions of each port have, or are getting, a connection to an instance. */
export async function countSessions(console: RouterConsole, ports: readonly number[], signal: AbortSignal): Promise<Map<number, number>> {
  const commands = ports.length > FEW_PORTS ? ['show stat instances 4 -1'] : ports.map((port) => statCommand(console, port));
  const found = readSessions(console, await askRouter(console, commands, signal));
  return new Map(ports.map((port) => [port, found.get(port) ?? 0]));
}

const slotOf = ({ firstPort }: RouterConsole, port: number): number => port - firstPort + 1;
const statCommand = (console: RouterConsole, port: number): string => `show stat instances 4 ${slotOf(console, port)}`;

function readSessions({ firstPort }: RouterConsole, answers: readonly string[]): Map<number, number> {
  const sessions = new Map<number, number>();
  for (const line of answers.join('\n').split('\n')) {
    // proxy, server, queue now, queue at most, sessions now.
    const [proxy, server = '', , , now] = line.split(',', 5);
    if (proxy === 'instances' && /^s\d+$/.test(server)) sessions.set(firstPort + Number(server.slice(1)) - 1, Number(now));
  }
  return sessions;
}

/** How often clients of a port were refused since the router started, by reason; reasons that never occurred are left out. */
export interface PortRefusals {
  readonly port: number;
  readonly counts: Readonly<Partial<Record<Refusal, number>>>;
}

/** Ports at which somebody was refused. */
export async function readRefusals(console: RouterConsole, signal: AbortSignal): Promise<PortRefusals[]> {
  const [table = ''] = await askRouter(console, ['show table refusals'], signal);
  return parseRefusals(table);
}

/** Reads what `show table refusals` says. */
export function parseRefusals(table: string): PortRefusals[] {
  return table.split('\n').flatMap((line) => {
    const port = Number(/ key=(\d+) /.exec(line)?.[1] ?? 0);
    const counts = REFUSALS.map(
      (reason, index) => [reason, Number(new RegExp(` gpc${index + 1}=(\\d+)`).exec(line)?.[1] ?? 0)] as const,
    ).filter(([, count]) => count > 0);
    return port > 0 && counts.length > 0 ? [{ port, counts: Object.fromEntries(counts) }] : [];
  });
}
