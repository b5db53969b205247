import { existsSync, readFileSync } from 'node:fs';
import { ask, ROOT, run, say, SetupError } from './run.mjs';
import { installWords } from './install-words.mjs';

/** Runs `npm ci` unless what is installed is exactly what package-lock.json asks for. */
export function ensureNodeModules() {
  if (isInstalled()) return;
  say('installing node_modules');
  const npm = ask('npm', ['--version']);
  if (npm === undefined) throw new SetupError('npm is missing: on Debian or Ubuntu, as root: apt-get install npm');
  run('npm', installWords(npm));
}

/** Compares the lock file with the record that npm keeps inside node_modules of what it installed. */
function isInstalled() {
  const record = `${ROOT}/node_modules/.package-lock.json`;
  if (!existsSync(record)) return false;
  const wanted = JSON.parse(readFileSync(`${ROOT}/package-lock.json`, 'utf8')).packages;
  const present = JSON.parse(readFileSync(record, 'utf8')).packages;
  return Object.entries(wanted).every(([path, entry]) => {
    if (path === '') return true;
    const found = present[path];
    if (found === undefined) return entry.optional === true;
    return found.version === entry.version && found.integrity === entry.integrity && existsSync(`${ROOT}/${path}`);
  });
}
