import { spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { rmSync } from 'node:fs';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';

import { type Environment, handOver } from '../config/handed-over.js';
import type { CliSettings } from '../config/settings.js';
import { prepareLocalFleet, resealLocalFleet, type PreparedFleet } from '../engine/engine.js';
import { controlDirectory } from '../engine/local/fleet/fleet-layout.js';
import { readBytes, writeWhole } from '../engine/local/machine/files.js';
import { CliError } from '../cli/cli-error.js';
import { Vault } from '../secrets/vault.js';
import { findAccount } from './accounts.js';
import type { ControlDirectory } from './control-directory.js';
import { chooseKeys, processEnvironment } from './control-plane.js';
import type { KeyPlace } from './key-place.js';
import { endLeftovers } from './leftovers.js';
import { DERIVATION_OWNER, findKeyPlace, openFleetVault } from './master-key.js';
import { metadataServer, type MetadataOptions } from './metadata-server.js';
import { LOOPBACK, openPorts } from './ports.js';
import { findPrograms } from './programs.js';
import type { Progress } from './progress.js';
import { QUICKSTART_OWNER } from './quickstart.js';
import { lockIdle, withServer } from './restore-metadata.js';
import { CONTROL_KEYS_OWNER, openControlKeys } from './sealed-keys.js';

export interface RotateKeysOptions {
  readonly directory: ControlDirectory;
  readonly settings: CliSettings;
  readonly progress: Progress;
}

export interface RotationReport {
  readonly masterKey: string;
  /** Values that this call sealed anew, of the metadata and of files. */
  readonly resealed: number;
  readonly note: string;
}

/** The two keys of a rotation. Once the old one is not where it was any more, all is sealed under the new one. */
interface Rotation extends RotateKeysOptions {
  readonly before: Vault;
  readonly oldKey: Buffer;
  readonly masterKey: Buffer;
  readonly vault: Vault;
}

/**
 * Gives a fleet a new master key, and seals every secret anew under it. Databases go on; the control plane must be down.
 *
 * It may be cut off at any point: the new key is on disk before the first secret is sealed under it, each secret opens under one of
 * both, and the next call goes on where this one was. Until it is over the old key is needed, and nothing else starts.
 *
 * @throws CliError if the control plane runs, or a key is missing
 */
export async function rotateKeys(options: RotateKeysOptions): Promise<RotationReport> {
  const { directory, progress } = options;
  directory.refuseForeign();
  if (!directory.exists || !directory.hasFleet) {
    throw new CliError(`there is no fleet in ${directory.dataDir}: name its directory with --data-dir`);
  }
  await directory.prepare();
  const lock = await lockIdle(directory);
  try {
    const ended = await endLeftovers(directory);
    if (ended > 0) progress.step(`ended ${ended} processes that an earlier start had left behind`);
    return await rotate(options);
  } finally {
    lock.release();
  }
}

async function rotate(options: RotateKeysOptions): Promise<RotationReport> {
  const { directory, settings, progress } = options;
  const place = await findKeyPlace(directory, settings);
  const oldKey = await place.read('current');
  if (!oldKey) {
    throw new CliError(`the master key of ${directory.dataDir} is expected in ${place.name}: bring it back, it is needed to the end`);
  }
  const masterKey = await provideNext(place);
  if (masterKey.equals(oldKey)) throw new CliError('the new master key is the old one: give another one');
  const before = new Vault(oldKey);
  const rotation: Rotation = { ...options, oldKey, masterKey, before, vault: new Vault(masterKey) };
  // From here on nothing starts with one of the two keys alone.
  await writeWhole({ path: directory.rotatingKeys, content: 'the master key is being changed\n', mode: 0o600 });
  const resealed = (await resealFiles(rotation)) + (await resealMetadata(rotation));
  progress.step('everything is sealed under the new key');
  const note = await place.promote();
  rmSync(directory.rotatingKeys);
  return { masterKey: place.name, resealed, note };
}

/** The key that an earlier call made, or a new one. */
async function provideNext(place: KeyPlace): Promise<Buffer> {
  const found = await place.read('next');
  if (found) return found;
  await place.write('next', randomBytes(32));
  const made = await place.read('next');
  if (!made) throw new CliError(`the new master key could not be read from ${place.name}`);
  return made;
}

async function resealFiles(rotation: Rotation): Promise<number> {
  const { directory, vault, before, oldKey } = rotation;
  // The first rotation of all: what was made of the old key goes on being made of it.
  if (!(await readBytes(directory.derivationKey))) {
    await writeWhole({ path: directory.derivationKey, content: vault.seal(oldKey, DERIVATION_OWNER), mode: 0o600 });
  }
  let resealed = 0;
  for (const [path, owner] of [
    [directory.derivationKey, DERIVATION_OWNER], [directory.sealedKeys, CONTROL_KEYS_OWNER], [directory.quickstart, QUICKSTART_OWNER],
  ] as const) {
    const sealed = await readBytes(path);
    const next = sealed && vault.reseal(sealed, owner, before);
    if (!next) continue;
    await writeWhole({ path, content: next, mode: 0o600 });
    resealed += 1;
  }
  const files = await resealLocalFleet(directory.dataDir, {
    seal: (secret, owner) => vault.seal(secret, owner),
    unseal: (sealed, owner) => vault.unseal(sealed, owner),
    derive: (purpose) => vault.derive(purpose),
    reseal: (sealed, owner) => vault.reseal(sealed, owner, before),
  });
  return resealed + files;
}

async function resealMetadata(rotation: Rotation): Promise<number> {
  const { directory, settings, masterKey, progress } = rotation;
  const { vault, derivationKey } = await openFleetVault(directory, masterKey);
  const ports = await openPorts(directory, undefined, LOOPBACK);
  const keys = chooseKeys(await openControlKeys(directory, vault), settings);
  const environment = processEnvironment(
    { directory, settings, bind: LOOPBACK }, { masterKey, derivationKey }, ports, keys, `http://${LOOPBACK}:${ports.api}`,
  );
  if (settings.DATABASE_URL !== undefined) return resealByProcess(rotation, environment);
  const fleet: PreparedFleet = await prepareLocalFleet({
    dataDir: directory.dataDir, vault, encryptsAtRest: settings.FREEHOLD_ENCRYPTION === 'on',
  });
  const server: MetadataOptions = {
    control: controlDirectory(fleet.root), programs: await findPrograms(settings.PATH, false), account: await findAccount(['postgres']),
    port: ports.metadata, password: keys.metadataPassword, ...fleet.metadataServer,
  };
  progress.step('starting the metadata');
  return withServer(rotation, metadataServer(server), () => resealByProcess(rotation, environment));
}

/** By a process of its own: the command knows nothing of what is in the metadata. */
async function resealByProcess({ oldKey, progress }: Rotation, environment: Environment): Promise<number> {
  const entry = fileURLToPath(new URL('../processes/main-rotate.js', import.meta.url));
  const { env, input } = handOver({ ...environment, FREEHOLD_FORMER_MASTER_KEY: oldKey.toString('base64') });
  const child = spawn(process.execPath, ['--enable-source-maps', entry], { cwd: '/', env, stdio: ['pipe', 'pipe', 'pipe'] });
  let words = '';
  let resealed = 0;
  child.stderr.on('data', (chunk: Buffer) => {
    words += chunk.toString();
  });
  child.stdin.on('error', () => undefined);
  child.stdin.end(input);
  const ended = new Promise<number | null>((resolve, reject) => child.once('error', reject).once('close', resolve));
  for await (const line of createInterface({ input: child.stdout })) {
    const told = JSON.parse(line) as { readonly done?: number; readonly resealed?: number; readonly of: number };
    if (told.done !== undefined) progress.step(`sealing the metadata's secrets anew: ${told.done} of ${told.of}`);
    resealed = told.resealed ?? resealed;
  }
  if ((await ended) !== 0) {
    throw new CliError(
      `the metadata's secrets could not be sealed anew: ${words.trim()}; run freehold keys rotate again, with both keys in place`,
    );
  }
  return resealed;
}
