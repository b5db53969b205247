import { type ChildProcess, spawn } from 'node:child_process';
import { createConnection, createServer, type Server, type Socket } from 'node:net';
import { fileURLToPath } from 'node:url';
import type { Settings } from '../../src/config/settings.js';
import { eventually, freePort, type TestServer } from './servers.js';

const ENTRY = fileURLToPath(new URL('../../dist/src/processes/main-api.js', import.meta.url));

/** An API as a process of its own, which can be killed. */
export class ApiProcess {
  /** Everything that it has logged. */
  log = '';

  private constructor(readonly url: string, private readonly child: ChildProcess) {
    child.stdout?.setEncoding('utf8').on('data', (text: string) => { this.log += text; });
  }

  static async start(settings: Settings, keys: { readonly operator: string; readonly signup: string }, redisUrl: string): Promise<ApiProcess> {
    const port = await freePort();
    const child = spawn(process.execPath, [ENTRY], {
      stdio: ['ignore', 'pipe', 'inherit'],
      env: {
        PATH: process.env.PATH, DATABASE_URL: settings.DATABASE_URL, REDIS_URL: redisUrl, FREEHOLD_DATA_DIR: settings.FREEHOLD_DATA_DIR,
        FREEHOLD_MASTER_KEY: settings.FREEHOLD_MASTER_KEY, FREEHOLD_PORT: String(port), FREEHOLD_LOG_LEVEL: 'trace',
        FREEHOLD_OPERATOR_KEY: keys.operator, FREEHOLD_SIGNUP_KEY: keys.signup,
        ...(settings.FREEHOLD_OTLP_ENDPOINT !== undefined && { FREEHOLD_OTLP_ENDPOINT: settings.FREEHOLD_OTLP_ENDPOINT }),
      },
    });
    const api = new ApiProcess(`http://127.0.0.1:${port}`, child);
    await eventually(async () => (await fetch(`${api.url}/readyz`, { signal: AbortSignal.timeout(2_000) })).ok, 30_000);
    return api;
  }

  /** Ends it as a crash would, or lets it stop by itself. */
  async end(signal: 'SIGKILL' | 'SIGTERM'): Promise<void> {
    const ended = this.child.exitCode !== null || this.child.signalCode !== null ? Promise.resolve() : new Promise((resolve) => this.child.once('exit', resolve));
    this.child.kill(signal);
    await ended;
  }
}

/** Stands between a process and Redis, and can swallow the message that wakes a worker just when it is sent. */
export class RedisGate {
  private swallowed: (() => void) | undefined;
  private readonly sockets = new Set<Socket>();

  private constructor(private readonly server: Server, readonly url: string) {}

  static async open(redis: TestServer): Promise<RedisGate> {
    const server = createServer();
    const port = await freePort();
    const gate = new RedisGate(server, redis.url.replace(/:\d+$/, `:${port}`));
    server.on('connection', (client) => gate.pass(client, createConnection(redis.port, '127.0.0.1')));
    await new Promise<void>((resolve) => server.listen(port, '127.0.0.1', resolve));
    return gate;
  }

  /** Lets no operation's id through any more; resolves when the first one was about to go. */
  swallowNext(): Promise<void> {
    return new Promise((resolve) => { this.swallowed = resolve; });
  }

  close(): void {
    this.server.close();
    for (const socket of this.sockets) socket.destroy();
  }

  private pass(client: Socket, redis: Socket): void {
    for (const [from, to] of [[client, redis], [redis, client]] as const) {
      this.sockets.add(from);
      from.on('error', () => undefined).on('close', () => to.destroy());
      from.on('data', (bytes) => {
        if (this.swallowed && from === client && bytes.includes('op_')) this.swallowed();
        else to.write(bytes);
      });
    }
  }
}
