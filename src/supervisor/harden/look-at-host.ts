import { execFile } from 'node:child_process';
import { existsSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';

import { surveyGatewayPrograms } from '../../engine/engine.js';
import type { ControlDirectory } from '../control-directory.js';
import { KERNEL_SETTINGS, NO_CORES, type HostFile } from './host-files.js';
import { givesMore, type HostFacts } from './judge-host.js';
import { findHoles, findPostgresHoles, type InstalledPackage } from './known-holes.js';

const execute = promisify(execFile);
const ANSWERS_WITHIN_MS = 10_000;
/** nft and fail2ban are in folders that not everybody's PATH has. */
const PATH = '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin';

/** Looks at this machine, and changes nothing. */
export async function lookAtHost(directory: ControlDirectory, files: readonly HostFile[]): Promise<HostFacts> {
  const [updates, firewall, bans, holes] = await Promise.all([
    ask('apt-config', 'dump', 'APT::Periodic::Unattended-Upgrade'),
    ask('nft', 'list', 'table', 'inet', 'freehold'),
    ask('fail2ban-client', 'status', 'freehold'),
    listHoles(),
  ]);
  return {
    kernel: readKernel(),
    updatesItself: existsSync('/usr/bin/unattended-upgrade') && /"[1-9]\d*"/.test(updates?.output ?? ''),
    firewall: firewall ? { loaded: firewall.succeeded } : null,
    bans: bans?.succeeded === true,
    files: new Map(files.flatMap(({ path }) => (existsSync(path) ? [[path, readFileSync(path, 'utf8')] as const] : []))),
    openPaths: findOpenPaths(directory),
    holes,
  };
}

function readKernel(): HostFacts['kernel'] {
  const names = [...Object.keys(KERNEL_SETTINGS), ...Object.keys(NO_CORES)];
  return Object.fromEntries(names.flatMap((name) => {
    const text = readIfThere(`/proc/sys/${name.replaceAll('.', '/')}`);
    return text === undefined ? [] : [[name, text.trim()]];
  }));
}

/** What holds secrets, or leads to what does, and the most that others may do with it. */
function findOpenPaths({ dataDir, control, keyName, sealedKeys, logs }: ControlDirectory): HostFacts['openPaths'] {
  const masterKey = readIfThere(keyName)?.split('\n')[1];
  const wanted: readonly (readonly [path: string, most: number])[] = [
    [dataDir, 0o711], [control, 0o711], [join(control, 'metadata'), 0o700], [join(control, 'redis'), 0o700], [logs, 0o700],
    [sealedKeys, 0o600], [keyName, 0o600], ...(masterKey ? [[masterKey, 0o600] as const] : []),
  ];
  return wanted.flatMap(([path, most]) => {
    const mode = existsSync(path) ? statSync(path).mode & 0o7777 : 0;
    return givesMore(mode, most) ? [{ path, mode, most }] : [];
  });
}

async function listHoles(): Promise<string[]> {
  const [gateway, packages] = await Promise.all([surveyGatewayPrograms(), listPackageHoles()]);
  return [...gateway.faults.filter(isHole), ...packages];
}

/** Whether what is said of a program is a hole, and not that nobody has tried it. */
export const isHole = (fault: string): boolean => /\bCVE-\d/.test(fault);

/** Known holes of what Debian's packages have brought, each in one line; none where there are no such packages. */
export async function listPackageHoles(): Promise<string[]> {
  const packages = await listPackages();
  const holes = await Promise.all(packages.map(async (installed) => {
    const postgres = /^postgresql-\d+$/.test(installed.name) ? findPostgresHoles(installed.version) : undefined;
    const isOlder = await compareLater(installed);
    const found = findHoles(installed, isOlder);
    return [
      ...(postgres === undefined ? [] : [`${installed.name} ${installed.version}: ${postgres}`]),
      ...found.map(({ id, what, mendedIn }) => `${installed.name} ${installed.version}: ${what} (${id}); ${mendedIn.join(', ')} mends it`),
    ];
  }));
  return holes.flat();
}

async function listPackages(): Promise<InstalledPackage[]> {
  const answer = await ask('dpkg-query', '-W', '-f', '${Package} ${Version}\n', 'haproxy', 'redis-server', 'postgresql-[0-9]*');
  return (answer?.output ?? '').split('\n').flatMap((line) => {
    const [name, version] = line.split(' ');
    return name && version ? [{ name, version }] : [];
  });
}

/** Debian's order of versions is dpkg's to tell: it is asked beforehand of all that may be compared. */
async function compareLater({ name, version }: InstalledPackage): Promise<(version: string, than: string) => boolean> {
  const later = new Set<string>();
  const asked: string[] = [];
  findHoles({ name, version }, (_, than) => asked.push(than) > 0);
  await Promise.all(asked.map(async (than) => {
    if ((await ask('dpkg', '--compare-versions', version, 'lt', than))?.succeeded) later.add(than);
  }));
  return (_, than) => later.has(than);
}

interface Answer {
  readonly succeeded: boolean;
  readonly output: string;
}

/** Undefined if the program is not there. */
async function ask(program: string, ...words: readonly string[]): Promise<Answer | undefined> {
  try {
    const { stdout } = await execute(program, [...words], { timeout: ANSWERS_WITHIN_MS, env: { PATH, LC_ALL: 'C.UTF-8' } });
    return { succeeded: true, output: stdout };
  } catch (error) {
    const { code, stdout } = error as { code?: unknown; stdout?: string };
    return code === 'ENOENT' ? undefined : { succeeded: false, output: stdout ?? '' };
  }
}

function readIfThere(path: string): string | undefined {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return undefined;
  }
}
