import { spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { get } from 'node:http';
import { get as getSecure } from 'node:https';
import { fileURLToPath } from 'node:url';

import { type Environment, handOver } from '../config/handed-over.js';
import { CliError } from '../cli/cli-error.js';
import { makeWorkingDirectory, type ProcessSpec } from './supervised-process.js';

/** How far a control plane has come since it was started. */
export interface Readiness {
  /** Whether the databases that should be running have been seen to. */
  readonly recovered: boolean;
}

const READY_WITHIN_MS = 60_000;
const ANSWER_WITHIN_MS = 2_000;

/** The API, or a worker, as something to keep running. */
export function nodeProcess(role: 'api' | 'worker', control: string, environment: Environment, apiUrl: string): ProcessSpec {
  const entry = fileURLToPath(new URL(`../processes/main-${role}.js`, import.meta.url));
  if (!existsSync(entry)) throw new CliError(`${entry} is missing: build it with npm run build`);
  return {
    role,
    readyWithinMs: READY_WITHIN_MS,
    // A worker serves nothing that could be asked; the API says whether its work gets done.
    isReady: async () => role === 'worker' || (await askReadiness(apiUrl)) !== undefined,
    launch: async (log) => {
      const cwd = await makeWorkingDirectory(control, role);
      const { env, input } = handOver(environment);
      const child = spawn(process.execPath, ['--enable-source-maps', entry], { cwd, detached: true, env, stdio: ['pipe', log, log] });
      child.stdin?.on('error', () => undefined);
      child.stdin?.end(input);
      return child;
    },
  };
}

/** What the API says of itself; undefined if it does not serve, or not yet. */
export async function askReadiness(apiUrl: string): Promise<Readiness | undefined> {
  try {
    const { status, text } = await read(`${apiUrl}/readyz`);
    const body = JSON.parse(text) as Partial<Readiness>;
    return status === 200 ? { recovered: body.recovered !== false } : undefined;
  } catch {
    return undefined;
  }
}

/**
 * Asks the API by an address of this machine, which its certificate need not be for: nothing secret is sent, and what is answered is
 * only whether it serves.
 */
function read(url: string): Promise<{ readonly status: number | undefined; readonly text: string }> {
  return new Promise((resolve, reject) => {
    const options = { signal: AbortSignal.timeout(ANSWER_WITHIN_MS), rejectUnauthorized: false };
    const request = (url.startsWith('https:') ? getSecure : get)(url, options, (response) => {
      let text = '';
      response.setEncoding('utf8').on('data', (chunk: string) => { text += chunk; });
      response.once('end', () => resolve({ status: response.statusCode, text }));
      response.once('error', reject);
    });
    request.once('error', reject);
  });
}
