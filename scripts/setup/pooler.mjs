import { existsSync, readdirSync } from 'node:fs';
import { delimiter } from 'node:path';
import { bringProgram } from './later-program.mjs';
import { capture, say, SetupError } from './run.mjs';
import { candidateOf, compare, readVersion } from './versions.mjs';

/** Where programs lie that are newer than the distribution's, a folder each; `src/engine/local/gateway/gateway-programs.ts` looks here. */
export const OWN = '/usr/local/lib/freehold';

/** Older ones break prepared statements; between them and a sound one `judge-programs.ts`, beside that, knows what each lacks. */
const OLDEST = '1.22';
const SOUND = '1.26.1';

/** The newest PgBouncer that runs here; undefined if there is none. */
export function findPooler() {
  const own = existsSync(OWN) ? readdirSync(OWN).filter((name) => /^pgbouncer-\d/.test(name)).map((name) => `${OWN}/${name}/bin`) : [];
  const folders = [...own, '/usr/sbin', '/usr/local/sbin', ...(process.env.PATH ?? '').split(delimiter).filter(Boolean)];
  const found = folders.map((folder) => `${folder}/pgbouncer`).filter(existsSync).map((path) => ({ path, version: askVersion(path) }));
  return found.filter(({ version }) => version !== undefined).sort((one, other) => compare(other.version, one.version))[0];
}

export const isUsable = (pooler) => pooler !== undefined && compare(pooler.version, OLDEST) >= 0;
export const isSound = (pooler) => pooler !== undefined && compare(pooler.version, SOUND) >= 0;

/** What is missing if the PgBouncer that there is, if any, cannot be used. */
export function describeNeed(pooler) {
  const found = pooler === undefined ? '' : `; ${pooler.path} is ${pooler.version}`;
  return { programs: ['pgbouncer'], elsewhere: `PgBouncer ${SOUND} or newer, at least ${OLDEST}${found}` };
}

/** Says what a PgBouncer is that is used for want of a better one. */
export function sayWhatItLacks({ path, version }) {
  say(
    `${path} is ${version}: before ${SOUND} it drops settings of clients and has known holes; `
      + 'each start names them, and README.md says how to get a newer one',
  );
}

/**
 * Brings a sound PgBouncer here: the distribution's own if it is one, else Debian's of a later suite, in a folder of its own;
 * where neither is to be had, the distribution's if it is usable at all. Runs as root, alone, with fresh lists of packages.
 *
 * @param installPackages installs packages of the distribution, and leaves their services off
 */
export function bringPooler(installPackages) {
  if (isSound(findPooler())) return;
  const offered = candidateOf('pgbouncer') ?? '0.0';
  const installOffered = () => installPackages(['pgbouncer']);
  if (compare(offered, SOUND) >= 0 && works(installOffered)) return;
  if (works(() => bringLater(installPackages))) return;
  if (compare(offered, OLDEST) >= 0 && !isUsable(findPooler())) works(installOffered);
}

function bringLater(installPackages) {
  if (capture('patchelf', ['--version']).code !== 0) installPackages(['patchelf']);
  bringProgram({ own: OWN, package: 'pgbouncer', program: 'usr/sbin/pgbouncer', atLeast: SOUND });
}

/** Whether a way to get a PgBouncer works; if not, why is said, and there are others. */
function works(way) {
  try {
    way();
    return true;
  } catch (error) {
    if (!(error instanceof SetupError)) throw error;
    say(`one way to get a newer pgbouncer failed: ${error.message}`);
    return false;
  }
}

function askVersion(path) {
  const { code, output } = capture(path, ['--version']);
  return code === 0 ? readVersion(output) : undefined;
}
