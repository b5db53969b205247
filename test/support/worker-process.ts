import { type ChildProcess, spawn } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import type { Settings } from '../../src/config/settings.js';

const ENTRY = fileURLToPath(new URL('../../dist/src/processes/main-worker.js', import.meta.url));

/** The shortest that there is: nobody should wait longer for a dead worker's work than they must. */
const LEASE_MS = '1000';

/** A worker as a process of its own, which can be killed. */
export class WorkerProcess {
  private readonly child: ChildProcess;

  constructor(settings: Settings) {
    this.child = spawn(process.execPath, [ENTRY], {
      stdio: ['ignore', 'ignore', 'inherit'],
      env: {
        PATH: process.env.PATH, DATABASE_URL: settings.DATABASE_URL, REDIS_URL: settings.REDIS_URL, FREEHOLD_DATA_DIR: settings.FREEHOLD_DATA_DIR,
        FREEHOLD_MASTER_KEY: settings.FREEHOLD_MASTER_KEY, FREEHOLD_LOG_LEVEL: 'silent', FREEHOLD_BACKUPS_EVERY_MS: '86400000', FREEHOLD_LEASE_MS: LEASE_MS,
        ...(settings.FREEHOLD_OTLP_ENDPOINT !== undefined && { FREEHOLD_OTLP_ENDPOINT: settings.FREEHOLD_OTLP_ENDPOINT }),
      },
    });
  }

  /** Ends it as a crash would, or lets it stop by itself. */
  async end(signal: 'SIGKILL' | 'SIGTERM'): Promise<void> {
    const ended = this.child.exitCode !== null || this.child.signalCode !== null ? Promise.resolve() : new Promise((resolve) => this.child.once('exit', resolve));
    this.child.kill(signal);
    await ended;
  }
}
