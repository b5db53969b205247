import { spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

import { CliError } from '../cli/cli-error.js';
import { callWithDeadline } from '../cli/http.js';
import { makeWorkingDirectory, type ProcessSpec } from './supervised-process.js';

/** How far a control plane has come since it was started. */
export interface Readiness {
  /** Whether the databases that should be running have been seen to. */
  readonly recovered: boolean;
}

const READY_WITHIN_MS = 60_000;
const ANSWER_WITHIN_MS = 2_000;

/** The API, or a worker, as something to keep running. */
export function nodeProcess(role: 'api' | 'worker', control: string, environment: Record<string, string>, apiUrl: string): ProcessSpec {
  const entry = fileURLToPath(new URL(`../processes/main-${role}.js`, import.meta.url));
  if (!existsSync(entry)) throw new CliError(`${entry} is missing: build it with npm run build`);
  return {
    role,
    readyWithinMs: READY_WITHIN_MS,
    // A worker serves nothing that could be asked; the API says whether its work gets done.
    isReady: async () => role === 'worker' || (await askReadiness(apiUrl)) !== undefined,
    launch: async (log) => {
      const cwd = await makeWorkingDirectory(control, role);
      return spawn(process.execPath, ['--enable-source-maps', entry], {
        cwd, detached: true, env: environment, stdio: ['ignore', log, log],
      });
    },
  };
}

/** What the API says of itself; undefined if it does not serve, or not yet. */
export async function askReadiness(apiUrl: string): Promise<Readiness | undefined> {
  try {
    const response = await callWithDeadline(`${apiUrl}/readyz`, ANSWER_WITHIN_MS);
    const body = (await response.json()) as Partial<Readiness>;
    return response.status === 200 ? { recovered: body.recovered !== false } : undefined;
  } catch {
    return undefined;
  }
}
