import { spawn } from 'node:child_process';
import { chownSync } from 'node:fs';
import { connect } from 'node:net';

import type { Account } from '../engine/local/machine/files.js';
import { LOOPBACK } from './ports.js';
import { makeWorkingDirectory, type ProcessSpec } from './supervised-process.js';

/** What the embedded Redis is made from. */
export interface RedisOptions {
  /** The control directory, by a path that the server's account may pass. */
  readonly control: string;
  readonly program: string;
  readonly account: Account | undefined;
  readonly port: number;
  readonly password: string;
}

/** After a crash the server reads its append-only file before it serves. */
const READY_WITHIN_MS = 60_000;
const ANSWER_WITHIN_MS = 1_000;

export function redisUrl(port: number, password: string): string {
  return `redis://:${encodeURIComponent(password)}@${LOOPBACK}:${port}`;
}

/** The embedded Redis as something to keep running. */
export function redisServer(options: RedisOptions): ProcessSpec {
  return {
    role: 'redis',
    readyWithinMs: READY_WITHIN_MS,
    isReady: () => answers(options.port, options.password),
    launch: async (log) => {
      const directory = await makeWorkingDirectory(options.control, 'redis');
      if (options.account) chownSync(directory, options.account.uid, options.account.gid);
      const child = spawn(options.program, ['-'], {
        cwd: '/', detached: true, env: { LC_ALL: 'C.UTF-8' }, stdio: ['pipe', log, log], ...options.account,
      });
      child.stdin?.on('error', () => undefined);
      // By standard input the password is neither in a file nor on the command line.
      child.stdin?.end(configuration(options, directory));
      return child;
    },
  };
}

function configuration({ port, password }: RedisOptions, directory: string): string {
  return [
    `bind ${LOOPBACK}`,
    `port ${port}`,
    'protected-mode yes',
    `requirepass ${password}`,
    `dir "${directory}"`,
    'daemonize no',
    'appendonly yes',
    'appendfsync everysec',
    'save ""',
    // Queues are not a cache: an evicted job is lost.
    'maxmemory-policy noeviction',
    'databases 1',
    '',
  ].join('\n');
}

function answers(port: number, password: string): Promise<boolean> {
  return tellRedis(port, password, 'PING', '+PONG');
}

/** Gives one command by hand, and answers whether the reply was the wanted one: the client library is the queues' alone. */
export function tellRedis(port: number, password: string, command: string, wanted: string): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect({ host: LOOPBACK, port, timeout: ANSWER_WITHIN_MS });
    let reply = '';
    const finish = (answer: boolean): void => {
      socket.destroy();
      resolve(answer);
    };
    socket.on('connect', () => socket.write(`AUTH ${password}\r\n${command}\r\n`));
    socket.on('data', (chunk) => {
      reply += chunk.toString();
      // The first line of the reply is the log-in's.
      if (reply === `+OK\r\n${wanted}\r\n`) finish(true);
      else if (reply.includes('-')) finish(false);
    });
    socket.on('timeout', () => finish(false));
    socket.on('error', () => finish(false));
    socket.on('close', () => finish(false));
  });
}
