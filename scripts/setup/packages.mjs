import { accessSync, constants, existsSync, mkdirSync, readdirSync, renameSync, rmSync, statSync, writeFileSync, copyFileSync } from 'node:fs';
import { delimiter, dirname } from 'node:path';
import { run, ask, say, SetupError } from './run.mjs';

/** What the fleet runs, and the Debian and Ubuntu packages that hold it. */
const NEEDS = [
  { package: 'postgresql', programs: ['initdb', 'postgres', 'pg_ctl', 'pg_rewind', 'pg_controldata', 'pg_waldump'], elsewhere: 'PostgreSQL 15 or newer, server' },
  { package: 'postgresql-client', programs: ['psql', 'pg_basebackup', 'pg_dump', 'pg_restore', 'pg_isready', 'pg_amcheck'], elsewhere: 'PostgreSQL 15 or newer, client programs' },
  { package: 'redis-server', programs: ['redis-server'], elsewhere: 'Redis 6 or newer' },
  { package: 'pgbouncer', programs: ['pgbouncer'], elsewhere: 'PgBouncer 1.18 or newer' },
  { package: 'pgbackrest', programs: ['pgbackrest'], elsewhere: 'pgBackRest 2.41 or newer' },
  { package: 'util-linux', programs: ['mount', 'umount', 'setpriv', 'flock'], elsewhere: 'util-linux' },
  { package: 'libnss-wrapper', programs: [], library: 'libnss_wrapper.so', elsewhere: 'nss_wrapper' },
  { package: 'e2fsprogs', programs: ['mkfs.ext4'], elsewhere: 'e2fsprogs' },
];

const POLICY = '/usr/sbin/policy-rc.d';
const CREATE_CLUSTER = '/etc/postgresql-common/createcluster.conf';
const CREATE_CLUSTER_DEFAULT = '/usr/share/postgresql-common/createcluster.conf';
const LISTS = '/var/lib/apt/lists';
const LISTS_MAX_AGE_MS = 24 * 60 * 60 * 1000;

/**
 * Installs the packages whose programs are missing, where there is apt and a way to be root.
 *
 * Their services are neither started nor enabled and no cluster is created: Freehold runs its own.
 *
 * @throws SetupError that lists everything missing, where it cannot be installed from here.
 */
export function ensurePackages() {
  const missing = findMissing();
  if (missing.length === 0) return;
  const root = findWayToBeRoot();
  if (root === undefined || ask('apt-get', ['--version']) === undefined) throw new SetupError(explain(missing));
  const packages = missing.map((need) => need.package);
  say(`installing ${packages.join(', ')}`);
  install(root, packages);
  const still = findMissing();
  if (still.length > 0) throw new SetupError(explain(still));
}

function findMissing() {
  const folders = [...serverFolders(), ...(process.env.PATH ?? '').split(delimiter), '/usr/local/sbin', '/usr/sbin', '/sbin'];
  const isThere = (program) => folders.some((folder) => folder !== '' && isExecutable(`${folder}/${program}`));
  return NEEDS.filter((need) => !need.programs.every(isThere) || (need.library !== undefined && !isLibraryThere(need.library)));
}

/** Libraries lie in the system's folder, or one below it that is named for the architecture. */
function isLibraryThere(name) {
  const bases = ['/usr/lib', '/usr/lib64', '/usr/local/lib'].filter(existsSync);
  return bases.some((base) => [base, ...readdirSync(base).filter((entry) => entry.includes('-linux-')).map((entry) => `${base}/${entry}`)].some((folder) => existsSync(`${folder}/${name}`)));
}

/** Debian keeps a server's programs out of PATH, one folder a major version. */
function serverFolders() {
  const base = '/usr/lib/postgresql';
  return existsSync(base) ? readdirSync(base).map((major) => `${base}/${major}/bin`) : [];
}

function isExecutable(path) {
  try {
    accessSync(path, constants.X_OK);
    return statSync(path).isFile();
  } catch {
    return false;
  }
}

/** The words to put before a command so that it runs as root: none as root, `sudo` where that works, else undefined. */
function findWayToBeRoot() {
  if (process.getuid() === 0) return [];
  if (ask('sudo', ['-n', 'true']) !== undefined) return ['sudo'];
  const mayType = process.stdin.isTTY && ask('sudo', ['--version']) !== undefined;
  return mayType ? ['sudo'] : undefined;
}

function explain(missing) {
  const lines = missing.map((need) => `  ${need.elsewhere} (${[...need.programs, need.library].filter(Boolean).join(', ')})`);
  const packages = missing.map((need) => need.package).join(' ');
  return ['these programs are missing or not on the PATH:', ...lines, `on Debian or Ubuntu, as root: apt-get install ${packages}`, 'then run the same command again'].join('\n');
}

/** Runs this file's own privileged half, so that sudo is asked for once and everything is put back in one place. */
function install(root, packages) {
  const [program, ...args] = [...root, process.execPath, new URL(import.meta.url).pathname, 'install', ...packages];
  run(program, args);
}

function installAsRoot(packages) {
  const restore = [keepServicesFromStarting(), keepClustersFromBeingMade()];
  try {
    if (areListsOld()) apt(['update']);
    try {
      apt(installation(packages));
    } catch {
      apt(['update']);
      apt(installation(packages));
    }
  } finally {
    restore.forEach((putBack) => putBack());
  }
  for (const service of ['redis-server', 'pgbouncer'].filter((name) => packages.includes(name))) ask('update-rc.d', [service, 'disable']);
}

const installation = (packages) => ['install', '--yes', '--no-install-recommends', '-o', 'Dpkg::Options::=--force-confold', ...packages];

function apt(args) {
  run('apt-get', ['-q', '-o', 'DPkg::Lock::Timeout=300', ...args], { DEBIAN_FRONTEND: 'noninteractive', UCF_FORCE_CONFFOLD: '1' });
}

function areListsOld() {
  const lists = existsSync(LISTS) ? readdirSync(LISTS).filter((name) => name.endsWith('Packages') || /Packages\.\w+$/.test(name)) : [];
  return lists.length === 0 || Date.now() - statSync(LISTS).mtimeMs > LISTS_MAX_AGE_MS;
}

/** Debian asks policy-rc.d before it starts a service; 101 forbids it. Answers what puts the old policy back. */
function keepServicesFromStarting() {
  const saved = `${POLICY}.freehold-saved`;
  if (existsSync(POLICY)) renameSync(POLICY, saved);
  writeFileSync(POLICY, '#!/bin/sh\nexit 101\n', { mode: 0o755 });
  return () => {
    rmSync(POLICY, { force: true });
    if (existsSync(saved)) renameSync(saved, POLICY);
  };
}

/** postgresql-common makes a cluster with each new server unless this file forbids it. Answers what puts the packaged file in its place. */
function keepClustersFromBeingMade() {
  if (existsSync(CREATE_CLUSTER)) return () => undefined;
  mkdirSync(dirname(CREATE_CLUSTER), { recursive: true });
  writeFileSync(CREATE_CLUSTER, 'create_main_cluster = false\n', { mode: 0o644 });
  return () => {
    if (existsSync(CREATE_CLUSTER_DEFAULT)) copyFileSync(CREATE_CLUSTER_DEFAULT, CREATE_CLUSTER);
  };
}

if (process.argv[2] === 'install' && process.argv[1] === new URL(import.meta.url).pathname) {
  try {
    installAsRoot(process.argv.slice(3));
  } catch (error) {
    if (!(error instanceof SetupError)) throw error;
    say(error.message);
    process.exitCode = 1;
  }
}
