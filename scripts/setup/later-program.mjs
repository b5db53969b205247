import {
  chmodSync, copyFileSync, existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, realpathSync, renameSync, rmSync, statSync,
  writeFileSync,
} from 'node:fs';
import { basename } from 'node:path';
import { capture, say, SetupError } from './run.mjs';
import { candidateOf, compare } from './versions.mjs';

/** Debian's releases after 13, the nearest first, and what becomes of them. */
const SUITES = ['forky', 'duke', 'sid'];
/** The same keys, by the names that releases gave the file. */
const KEYRINGS = ['/usr/share/keyrings/debian-archive-keyring.pgp', '/usr/share/keyrings/debian-archive-keyring.gpg'];
/** Begins the name of a folder that is being made; nobody looks for programs in such a one. */
const MAKING = '.making-';

/**
 * Brings a program of a later Debian here without touching the system: the signed packages of that Debian, checked by apt,
 * unpacked into `OWN/PACKAGE-VERSION` with every library that they need, libc and its loader too.
 *
 * It is made beside its place and renamed, so that there is never half of one. Others that make it wait for the lock under
 * which this runs (packages.mjs). The libraries get no updates: delete the folder and set up again for newer ones.
 *
 * @throws SetupError if this is no Debian, or its mirror has no such package.
 */
export function bringProgram({ own, package: name, program, atLeast }) {
  mkdirSync(own, { recursive: true, mode: 0o755 });
  readdirSync(own)
    .filter((entry) => entry.startsWith(MAKING))
    .forEach((entry) => rmSync(`${own}/${entry}`, { recursive: true, force: true }));
  const work = mkdtempSync(`${own}/${MAKING}${name}-`);
  try {
    const apt = findSuite(work, name, atLeast);
    const place = `${own}/${name}-${apt.version}`;
    say(`bringing ${name} ${apt.version} of Debian's ${apt.suite} to ${place}`);
    const made = `${work}/made`;
    assemble({ work, made, place, name, program, apt });
    check({ made, program: basename(program), version: apt.version });
    rmSync(place, { recursive: true, force: true });
    renameSync(made, place);
  } finally {
    rmSync(work, { recursive: true, force: true });
  }
}

/** The first suite whose mirror offers the package new enough, and an apt that sees nothing but it. */
function findSuite(work, name, atLeast) {
  const mirrors = findMirrors();
  const faults = [];
  for (const suite of SUITES) {
    const { options, fault } = openSuite(work, suite, mirrors);
    const version = fault === undefined ? candidateOf(name, options) : undefined;
    if (version !== undefined && compare(version, atLeast) >= 0) return { suite, options, version };
    faults.push(fault ?? `${suite} has ${version === undefined ? `no ${name}` : `${name} ${version}`}`);
  }
  throw new SetupError([...new Set(faults)].join('; '));
}

/** Reads a suite's lists; its security updates too, which exist from its release on. */
function openSuite(work, suite, { keyring, main, security }) {
  const released = `deb [signed-by=${keyring}] ${main} ${suite} main`;
  const updates = security === undefined ? [] : [`deb [signed-by=${keyring}] ${security} ${suite}-security main`];
  const options = ['-c', configureApt(work, [released, ...updates])];
  if (updates.length > 0 && capture('apt-get', [...options, '-q', 'update']).code === 0) return { options };
  configureApt(work, [released]);
  const { code, errors } = capture('apt-get', [...options, '-q', 'update']);
  return code === 0 ? { options } : { options, fault: lastFault(errors) };
}

/** The mirrors that this machine's own sources name, and the keys of Debian. */
function findMirrors() {
  const release = existsSync('/etc/os-release') ? readFileSync('/etc/os-release', 'utf8') : '';
  const codename = /^VERSION_CODENAME="?(\w+)/m.exec(release)?.[1];
  if (!/^ID="?debian"?$/m.test(release) || codename === undefined) throw new SetupError('this is not Debian');
  const keyring = KEYRINGS.find(existsSync);
  if (keyring === undefined) throw new SetupError('the keys of Debian are missing: apt-get install debian-archive-keyring');
  const format = '$(LABEL)|$(CODENAME)|$(COMPONENT)|$(REPO_URI)';
  const targets = capture('apt-get', ['indextargets', '--format', format, 'Created-By: Packages']).output.split('\n');
  const mirrorOf = (label, suite) =>
    targets.find((target) => target.startsWith(`${label}|${suite}|main|`) && !target.includes('|cdrom:'))?.split('|')[3];
  const main = mirrorOf('Debian', codename);
  if (main === undefined) throw new SetupError(`no source of apt names a mirror of Debian's ${codename}`);
  return { keyring, main, security: mirrorOf('Debian-Security', `${codename}-security`) };
}

/** A state of apt with no package installed, and one suite; how to reach the mirror stays as the system has it. */
function configureApt(work, sources) {
  for (const folder of ['etc/empty', 'lists/partial', 'cache/archives/partial']) mkdirSync(`${work}/${folder}`, { recursive: true });
  writeFileSync(`${work}/status`, '');
  writeFileSync(`${work}/etc/sources.list`, `${sources.join('\n')}\n`);
  const settings = {
    'Dir::State': work,
    'Dir::State::lists': `${work}/lists`,
    'Dir::State::status': `${work}/status`,
    'Dir::State::extended_states': `${work}/extended`,
    'Dir::Cache': `${work}/cache`,
    'Dir::Etc::sourcelist': `${work}/etc/sources.list`, 'Dir::Etc::sourceparts': `${work}/etc/empty`,
    'Dir::Etc::preferences': `${work}/etc/none`, 'Dir::Etc::preferencesparts': `${work}/etc/empty`,
    'APT::Default-Release': '', 'APT::Sandbox::User': 'root', 'APT::Update::Error-Mode': 'any',
    'APT::Get::AllowUnauthenticated': 'false', 'Acquire::AllowInsecureRepositories': 'false', 'Acquire::AllowWeakRepositories': 'false',
    'Acquire::AllowDowngradeToInsecureRepositories': 'false',
    'Acquire::Languages': 'none',
    'Acquire::Retries': '2',
    'Acquire::http::Timeout': '20',
  };
  writeFileSync(`${work}/apt.conf`, Object.entries(settings).map(([key, value]) => `${key} "${value}";\n`).join(''));
  return `${work}/apt.conf`;
}

function assemble({ work, made, place, name, program, apt }) {
  const [unpacked, archives] = [`${work}/unpacked`, `${work}/archives`];
  for (const folder of [unpacked, archives, made, `${made}/bin`, `${made}/lib`]) mkdirSync(folder, { mode: 0o755 });
  must('apt-get', [...apt.options, '-q', 'download', name, ...librariesOf(name, apt.options)], archives);
  const packages = readdirSync(archives).filter((file) => file.endsWith('.deb')).sort();
  for (const file of packages) must('dpkg-deb', ['-x', `${archives}/${file}`, unpacked]);
  const binary = `${made}/bin/${basename(program)}`;
  copyFileSync(`${unpacked}/${program}`, binary);
  const loader = basename(must('patchelf', ['--print-interpreter', binary]));
  copyLibraries({ unpacked, made, binary, loader });
  // DT_RPATH, unlike DT_RUNPATH, also holds for what the libraries load. The names are those that it will have.
  must('patchelf', ['--set-interpreter', `${place}/lib/${loader}`, '--force-rpath', '--set-rpath', `${place}/lib`, binary]);
  writeFileSync(`${made}/packages`, `${packages.map((file) => decodeURIComponent(file)).join('\n')}\n`, { mode: 0o644 });
}

/** Packages of libraries among all that apt would install with a package; what they need of Perl and the like is never run. */
function librariesOf(name, options) {
  const uris = must('apt-get', [...options, 'install', '--yes', '--print-uris', '--no-install-recommends', name]);
  const names = uris.split('\n').flatMap((line) => /^'[^']*' ([^_]+)_/.exec(line)?.[1] ?? []);
  return names.filter((found) => /^(lib|zlib1g)/.test(found) && !/^lib(perl|llvm|[\w-]+-perl$)/.test(found));
}

/** Copies the loader and whatever a program needs, and what that needs in turn. */
function copyLibraries({ unpacked, made, binary, loader }) {
  const there = findLibraries(unpacked);
  const copy = (library) => {
    const source = there.get(library);
    if (source === undefined) throw new SetupError(`${library} is in none of the packages`);
    copyFileSync(source, `${made}/lib/${library}`);
    chmodSync(`${made}/lib/${library}`, 0o755);
    return `${made}/lib/${library}`;
  };
  const copied = new Set([loader]);
  const waiting = [binary, copy(loader)];
  for (let file = waiting.pop(); file !== undefined; file = waiting.pop()) {
    for (const needed of must('patchelf', ['--print-needed', file]).split('\n').filter(Boolean)) {
      if (copied.has(needed)) continue;
      copied.add(needed);
      waiting.push(copy(needed));
    }
  }
}

/** Shared libraries by their names; links that lead out of the unpacked tree are left out. */
function findLibraries(unpacked) {
  const files = readdirSync(unpacked, { recursive: true })
    .filter((path) => /(^|\/)lib(32|64)?\/.*\.so(\.[\w.]+)?$/.test(path))
    .map((path) => `${unpacked}/${path}`);
  const isInside = (path) => {
    try {
      return realpathSync(path).startsWith(`${realpathSync(unpacked)}/`) && statSync(path).isFile();
    } catch {
      return false;
    }
  };
  return new Map(files.filter(isInside).sort((one, other) => other.length - one.length).map((path) => [basename(path), path]));
}

/** Runs it before it is in its place, with its own loader and libraries. */
function check({ made, program, version }) {
  const loader = readdirSync(`${made}/lib`).find((name) => name.startsWith('ld'));
  const said = must(`${made}/lib/${loader}`, ['--library-path', `${made}/lib`, `${made}/bin/${program}`, '--version']);
  if (!said.includes(version)) throw new SetupError(`it calls itself ${said.split('\n')[0]}, not ${version}`);
}

function must(program, words, folder) {
  const { code, output, errors } = capture(program, words, folder);
  if (code !== 0) throw new SetupError(`${basename(program)} failed: ${lastFault(errors)}`);
  return output;
}

function lastFault(errors) {
  const lines = errors.split('\n').map((line) => line.trim()).filter(Boolean);
  return lines.find((line) => line.startsWith('E:')) ?? lines.at(-1) ?? 'it said nothing';
}
