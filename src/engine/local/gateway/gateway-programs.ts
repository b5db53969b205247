import { EngineError } from '../../errors.js';
import { HostShell } from '../machine/host-shell.js';
import { isBefore, judgePooler, judgeRouter, readProgramVersion, type Judgement, type ProgramVersion } from './judge-programs.js';

/** A program of the gateway that may be used. */
export interface GatewayProgram {
  readonly path: string;
  /** Such as `1.26.1`. */
  readonly version: string;
  /** What it lacks and which holes it has, for people; to be said at each start. */
  readonly faults: readonly string[];
}

/** Where to look, if not where a machine has its programs. */
interface Places {
  /** Where the set-up (`scripts/setup/pooler.mjs`) puts programs that are newer than the distribution's, a folder each. */
  readonly own: string;
  readonly system: readonly string[];
}

interface Candidate extends Judgement {
  readonly path: string;
  readonly version: ProgramVersion;
}

/** {@link Places.own} */
const OWN = '/usr/local/lib/freehold';
/** Debian has both in a folder that is not on the PATH of everybody. */
const SYSTEM = ['/usr/sbin', '/usr/local/sbin', '/usr/local/bin', '/usr/bin'];
/** HAProxy begins with its version, and then says a few kilobytes of how it was built. */
const VERSION_BYTES = 64 * 1024;

/**
 * Finds the PgBouncer to use: the one with the fewest faults; of equal ones the newest, and the set-up's before the system's.
 *
 * @throws EngineError `permanent` with what is wrong with each that is there.
 */
export async function findPooler(shell: HostShell, places?: Places): Promise<GatewayProgram> {
  const { own, system } = places ?? (await placesOf(shell));
  const mine = (await shell.list(own)).filter((name) => /^pgbouncer-\d/.test(name)).map((name) => `${own}/${name}/bin`);
  const found = await lookInto(shell, [...mine, ...system], 'pgbouncer', '--version', (version) => judgePooler(version));
  return choose(found, 'pgbouncer', 'npm run setup brings pgbouncer 1.26.1 or newer to Debian; elsewhere install it');
}

/**
 * Finds the HAProxy to use, as {@link findPooler} does.
 *
 * @throws EngineError `permanent` with what is wrong with each that is there.
 */
export async function findRouter(shell: HostShell, places?: Places): Promise<GatewayProgram> {
  const { system } = places ?? (await placesOf(shell));
  const found = await lookInto(shell, system, 'haproxy', '-vv', (version, said) =>
    judgeRouter(version, /^Built with Lua version/m.test(said)),
  );
  return choose(found, 'haproxy', 'apt-get install haproxy');
}

/** For who starts a fleet: what is missing or may not be used, and what the programs lack that are used. */
export async function surveyGatewayPrograms(): Promise<{ readonly missing: readonly string[]; readonly faults: readonly string[] }> {
  const shell = HostShell.bare('/');
  const found = await Promise.allSettled([findRouter(shell), findPooler(shell)]);
  return {
    missing: found.flatMap((one) => (one.status === 'rejected' ? [describe(one.reason)] : [])),
    faults: found.flatMap((one) => (one.status === 'fulfilled' ? one.value.faults : [])),
  };
}

function describe(error: unknown): string {
  if (!(error instanceof EngineError)) throw error;
  return error.hint === undefined ? error.message : `${error.message} (${error.hint})`;
}

async function placesOf(shell: HostShell): Promise<Places> {
  const { stdout } = await shell.run(['/bin/sh', '-c', 'echo "$PATH"']);
  return { own: OWN, system: [...new Set([...SYSTEM, ...stdout.trim().split(':').filter(Boolean)])] };
}

type Judge = (version: ProgramVersion, said: string) => Judgement;

async function lookInto(shell: HostShell, folders: readonly string[], program: string, word: string, judge: Judge): Promise<Candidate[]> {
  const found = await Promise.all(folders.map((folder) => ask(shell, `${folder}/${program}`, word, judge)));
  return found.flatMap((candidate) => candidate ?? []);
}

/** Undefined if it is not there, or does not run. */
async function ask(shell: HostShell, path: string, word: string, judge: Judge): Promise<Candidate | undefined> {
  if (!(await shell.exists(path))) return undefined;
  const { stdout } = await shell.run([path, word], { outputBytes: VERSION_BYTES }).catch(() => ({ stdout: '' }));
  const version = readProgramVersion(stdout);
  return version && { path, version, ...judge(version, stdout) };
}

function choose(found: readonly Candidate[], program: string, hint: string): GatewayProgram {
  const [best] = found.filter(({ use }) => use).sort(byWorth);
  if (best) return { path: best.path, version: best.version.join('.'), faults: best.faults };
  const faults = found.flatMap(({ path, faults: reasons }) => reasons.map((reason) => `${path}: ${reason}`));
  throw new EngineError('permanent', faults.join('; ') || `${program} is not installed`, hint);
}

function byWorth(one: Candidate, other: Candidate): number {
  if (one.faults.length !== other.faults.length) return one.faults.length - other.faults.length;
  if (isBefore(one.version, other.version)) return 1;
  return isBefore(other.version, one.version) ? -1 : 0;
}
