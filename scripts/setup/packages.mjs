import {
  accessSync, constants, existsSync, mkdirSync, readdirSync, readFileSync, renameSync, rmSync, statSync, writeFileSync, copyFileSync,
} from 'node:fs';
import { delimiter, dirname } from 'node:path';
import { bringPooler, describeNeed, findPooler, isSound, isUsable, OWN, sayWhatItLacks } from './pooler.mjs';
import { run, ask, say, SetupError } from './run.mjs';

/** What the fleet runs, and the Debian and Ubuntu packages that hold it. */
const NEEDS = [
  {
    package: 'postgresql',
    programs: ['initdb', 'postgres', 'pg_ctl', 'pg_rewind', 'pg_controldata', 'pg_waldump'],
    elsewhere: 'PostgreSQL 15 or newer, server',
  },
  {
    package: 'postgresql-client',
    programs: ['psql', 'pg_basebackup', 'pg_dump', 'pg_restore', 'pg_isready', 'pg_amcheck'],
    elsewhere: 'PostgreSQL 15 or newer, client programs',
  },
  { package: 'redis-server', programs: ['redis-server'], elsewhere: 'Redis 6 or newer' },
  { package: 'haproxy', programs: ['haproxy'], elsewhere: 'HAProxy 2.6 or newer, built with Lua' },
  { package: 'pgbackrest', programs: ['pgbackrest'], elsewhere: 'pgBackRest 2.41 or newer' },
  { package: 'util-linux', programs: ['mount', 'umount', 'setpriv', 'flock'], elsewhere: 'util-linux' },
  { package: 'libnss-wrapper', programs: [], library: 'libnss_wrapper.so', elsewhere: 'nss_wrapper' },
  { package: 'e2fsprogs', programs: ['mkfs.ext4'], elsewhere: 'e2fsprogs' },
];

const POLICY = '/usr/sbin/policy-rc.d';
const FORBID = "#!/bin/sh\n# written by Freehold's set-up, while it installs\nexit 101\n";
const CREATE_CLUSTER = '/etc/postgresql-common/createcluster.conf';
const CREATE_CLUSTER_DEFAULT = '/usr/share/postgresql-common/createcluster.conf';
const LISTS = '/var/lib/apt/lists';
const LISTS_MAX_AGE_MS = 24 * 60 * 60 * 1000;
/** How long another set-up may take to install. */
const LOCK_WITHIN_S = 900;

/** They would take the ports, and be started at each boot; whoever had installed one of them before keeps it. */
const SERVICES = ['redis-server', 'pgbouncer', 'haproxy'];
/** The word for the privileged half that asks for a PgBouncer, which no package may hold that is new enough. */
const POOLER = '--pooler';

/**
 * Installs the packages whose programs are missing, and a PgBouncer that is new enough, where there is apt and a way to be root.
 *
 * Their services are neither started nor enabled and no cluster is created: Freehold runs its own.
 *
 * @throws SetupError that lists everything missing, where it cannot be installed from here.
 */
export function ensurePackages() {
  const missing = findMissing();
  const pooler = findPooler();
  if (missing.length === 0 && isSound(pooler)) return;
  const hasApt = ask('apt-get', ['--version']) !== undefined;
  // What only lacks something is worth a try at each set-up, but no password.
  const root = hasApt ? findWayToBeRoot(missing.length > 0 || !isUsable(pooler)) : undefined;
  const wanted = [...missing.map((need) => need.package), ...(isSound(pooler) ? [] : [POOLER])];
  if (root !== undefined) {
    say(`installing ${wanted.join(', ').replace(POOLER, 'pgbouncer')}`);
    install(root, wanted);
  }
  const after = findPooler();
  const still = [...findMissing(), ...(isUsable(after) ? [] : [describeNeed(after)])];
  if (still.length > 0) throw new SetupError(explain(still));
  if (!isSound(after)) sayWhatItLacks(after);
}

function findMissing() {
  const folders = [...serverFolders(), ...(process.env.PATH ?? '').split(delimiter), '/usr/local/sbin', '/usr/sbin', '/sbin'];
  const isThere = (program) => folders.some((folder) => folder !== '' && isExecutable(`${folder}/${program}`));
  return NEEDS.filter((need) => !need.programs.every(isThere) || (need.library !== undefined && !isLibraryThere(need.library)));
}

/** Libraries lie in the system's folder, or one below it that is named for the architecture. */
function isLibraryThere(name) {
  const bases = ['/usr/lib', '/usr/lib64', '/usr/local/lib'].filter(existsSync);
  return bases.some((base) =>
    [
      base,
      ...readdirSync(base)
        .filter((entry) => entry.includes('-linux-'))
        .map((entry) => `${base}/${entry}`),
    ].some((folder) => existsSync(`${folder}/${name}`)),
  );
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
function findWayToBeRoot(mayAsk) {
  if (process.getuid() === 0) return [];
  if (ask('sudo', ['-n', 'true']) !== undefined) return ['sudo'];
  const mayType = mayAsk && process.stdin.isTTY && ask('sudo', ['--version']) !== undefined;
  return mayType ? ['sudo'] : undefined;
}

function explain(missing) {
  const lines = missing.map((need) => `  ${need.elsewhere} (${[...need.programs, need.library].filter(Boolean).join(', ')})`);
  const packages = missing.flatMap((need) => need.package ?? []);
  const advice = packages.length > 0 ? [`on Debian or Ubuntu, as root: apt-get install ${packages.join(' ')}`] : [];
  return ['these programs are missing, too old or not on the PATH:', ...lines, ...advice, 'then run the same command again'].join('\n');
}

/**
 * Runs this file's own privileged half, so that sudo is asked for once and everything is put back in one place; one at a time,
 * since two would take each other's half-made files and policies for their own.
 */
function install(root, wanted) {
  const alone = `mkdir -p -m 755 ${OWN} && exec flock -w ${LOCK_WITHIN_S} ${OWN} "$@"`;
  const [program, ...args] = [...root, 'sh', '-c', alone, 'sh', process.execPath, new URL(import.meta.url).pathname, 'install', ...wanted];
  run(program, args);
}

function installAsRoot(wanted) {
  process.umask(0o022);
  const packages = wanted.filter((name) => name !== POOLER);
  if (areListsOld()) apt(['update']);
  if (packages.length > 0) installPackages(packages);
  if (wanted.includes(POOLER)) bringPooler(installPackages);
}

function installPackages(packages) {
  const restore = [keepServicesFromStarting(), keepClustersFromBeingMade()];
  try {
    installOrUpdate(packages);
  } finally {
    restore.forEach((putBack) => putBack());
  }
  for (const service of SERVICES.filter((name) => packages.includes(name))) ask('update-rc.d', [service, 'disable']);
}

function installOrUpdate(packages) {
  try {
    apt(installation(packages));
  } catch {
    apt(['update']);
    apt(installation(packages));
  }
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
  // One of our own was left by a set-up that was killed.
  if (existsSync(POLICY) && readFileSync(POLICY, 'utf8') !== FORBID) renameSync(POLICY, saved);
  writeFileSync(POLICY, FORBID, { mode: 0o755 });
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
