import { type ChildProcessWithoutNullStreams, spawn, spawnSync } from 'node:child_process';
import { createInterface } from 'node:readline';
import type { Driver, Place, Run, StepResults } from './driver.js';
import { Record } from './record.js';

/** A driver that is tried by a program of its own: see `programs/README.md`. */
export interface ProgramDriver {
  readonly name: string;
  readonly command: readonly string[];
  /** What to install where it does not run. */
  readonly needs: string;
  /** Makes the program, where it is not run as it is. */
  readonly build?: readonly string[];
}

const PROGRAMS = new URL('../programs/', import.meta.url).pathname;
/** For a program that is asked for its version alone. */
const NOWHERE: Place = { endpoint: 'uri', uri: 'postgresql://nobody:nothing@localhost:1/none?sslmode=verify-full&sslrootcert=none', table: 'none' };
const TRY_MS = 120_000;
const STOP_MS = 40_000;

/** The driver, or why it cannot be tried here. */
export function findProgram({ name, command, needs, build }: ProgramDriver): Driver | { readonly name: string; readonly missing: string } {
  const lacks = (why: string): { readonly name: string; readonly missing: string } => ({ name, missing: `${why.trim().split('\n').at(-1)}: install ${needs}` });
  if (build) {
    const built = run(build, {});
    if (built.status !== 0) return lacks(built.error?.message ?? built.stderr);
  }
  const version = run([...command, 'version'], surroundings(NOWHERE, 1));
  if (version.status !== 0) return lacks(version.error?.message ?? version.stderr);
  return {
    name,
    version: version.stdout.trim(),
    async tryOut(place) {
      return steps(command, place);
    },
    run: async (place, clients) => start(command, place, clients),
  };
}

function run([program = '', ...words]: readonly string[], environment: { readonly [name: string]: string }) {
  return spawnSync(program, words, { cwd: PROGRAMS, env: { ...process.env, ...environment }, encoding: 'utf8', timeout: TRY_MS });
}

function surroundings({ endpoint, uri, table }: Place, clients: number): { readonly [name: string]: string } {
  return { DRIVER_URI: uri, DRIVER_TABLE: table, DRIVER_ENDPOINT: endpoint, DRIVER_CLIENTS: String(clients) };
}

async function steps(command: readonly string[], place: Place): Promise<StepResults> {
  const lines: string[] = [];
  const program = begin([...command, place.endpoint === 'readOnlyUri' ? 'refusal' : 'try'], place, 1, (line) => lines.push(line));
  program.child.stdin.end();
  const code = await program.ended(TRY_MS);
  const results = Object.fromEntries(lines.filter((line) => line.startsWith('step ')).map((line) => {
    const [, name = '', ...result] = line.split(' ');
    return [name, result.join(' ')];
  }));
  return code === 0 ? results : { ...results, create: `the program ended with ${code}: ${program.complaint()}` };
}

function start(command: readonly string[], place: Place, clients: number): Run {
  const record = new Record();
  const program = begin([...command, place.endpoint === 'readOnlyUri' ? 'read' : 'work'], place, clients, (line) => record.take(line));
  return {
    record,
    async stop() {
      program.child.stdin.end();
      const code = await program.ended(STOP_MS);
      if (code !== 0) record.wrong.push(`the program ended with ${code}: ${program.complaint()}`);
    },
  };
}

interface Begun {
  readonly child: ChildProcessWithoutNullStreams;
  ended(withinMs: number): Promise<number | NodeJS.Signals | null>;
  /** The end of what it wrote to standard error. */
  complaint(): string;
}

function begin([program = '', ...words]: readonly string[], place: Place, clients: number, take: (line: string) => void): Begun {
  const child = spawn(program, words, { cwd: PROGRAMS, env: { ...process.env, ...surroundings(place, clients) }, detached: true });
  let complaint = '';
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    complaint = (complaint + text).slice(-2_000);
  });
  createInterface({ input: child.stdout }).on('line', take);
  const closed = new Promise<number | NodeJS.Signals | null>((resolve) => void child.once('close', (code, signal) => resolve(code ?? signal)));
  return {
    child,
    complaint: () => complaint.trim(),
    async ended(withinMs) {
      // With the processes that it has made.
      const timer = setTimeout(() => child.pid !== undefined && process.kill(-child.pid, 'SIGKILL'), withinMs);
      return closed.finally(() => clearTimeout(timer));
    },
  };
}
