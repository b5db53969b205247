import { createHash } from 'node:crypto';
import { chmodSync, existsSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { ROOT, run, say } from './run.mjs';

const STAMP = `${ROOT}/dist/.built-from`;
const ENTRY = `${ROOT}/dist/src/cli/freehold.js`;
const INPUTS = ['package.json', 'package-lock.json', 'tsconfig.json', 'tsconfig.build.json'];

/** Compiles unless `dist` was made from exactly these sources. */
export function ensureBuild() {
  const sources = hashSources();
  const built = existsSync(STAMP) && existsSync(ENTRY) ? readFileSync(STAMP, 'utf8') : '';
  if (built === sources) return;
  say('building');
  rmSync(STAMP, { force: true });
  run(process.execPath, ['node_modules/typescript/bin/tsc', '-p', 'tsconfig.build.json']);
  chmodSync(ENTRY, 0o755);
  writeFileSync(STAMP, sources);
}

function hashSources() {
  const hash = createHash('sha256');
  const files = ['src', 'migrations', 'clients/typescript/src'].flatMap((folder) =>
    readdirSync(`${ROOT}/${folder}`, { recursive: true, withFileTypes: true })
      .filter((entry) => entry.isFile() && entry.name.endsWith('.ts'))
      .map((entry) => `${entry.parentPath ?? entry.path}/${entry.name}`),
  );
  for (const path of [...files.sort(), ...INPUTS.map((name) => `${ROOT}/${name}`)]) {
    hash.update(path.slice(ROOT.length)).update('\0').update(readFileSync(path)).update('\0');
  }
  return hash.digest('hex');
}
