import { randomBytes } from 'node:crypto';
import { existsSync, rmSync } from 'node:fs';
import { basename, dirname, join, sep } from 'node:path';

import type { CliSettings } from '../config/settings.js';
import { Vault } from '../secrets/vault.js';
import { CliError } from '../cli/cli-error.js';
import { list, readBytes, readText, writeOnce } from '../engine/local/machine/files.js';
import type { ControlDirectory } from './control-directory.js';
import { environmentPlace, filePlace, kmsPlace, type KeyPlace } from './key-place.js';

const KEY_BYTES = 32;

/** How a fleet's master key is found again: by a random name, so that moving the data directory changes nothing. */
interface KeyRecord {
  readonly name: string;
  /** The file that was made for this fleet; undefined if its owner brought the key. */
  readonly madeAt?: string;
}

/**
 * Reads the master key of a fleet, or makes one for a fleet that has none yet. It never lies inside the data directory:
 * a copy of that must give no secret away.
 *
 * @throws CliError if the key of an existing fleet is not where it should be; a new one could open nothing.
 */
export async function openMasterKey(directory: ControlDirectory, settings: CliSettings): Promise<Buffer> {
  if (existsSync(directory.rotatingKeys)) {
    throw new CliError(
      `the master key of ${directory.dataDir} is being changed, or that was cut off: `
        + `end it with freehold keys rotate --data-dir ${directory.dataDir}`,
    );
  }
  const record = await readKeyRecord(directory);
  if (!record) return makeKey(directory, settings);
  return requireKey(placeOf(record.name, directory, settings), directory);
}

/** Where the master key of a fleet is. @throws CliError if the fleet has none yet. */
export async function findKeyPlace(directory: ControlDirectory, settings: CliSettings): Promise<KeyPlace> {
  const record = await readKeyRecord(directory);
  if (!record) throw new CliError(`there is no fleet in ${directory.dataDir}: name its directory with --data-dir`);
  return placeOf(record.name, directory, settings);
}

/**
 * The vault of a fleet. Keys that are made of the master key go on being made of the fleet's first one, which a rotation seals:
 * other ones could open no backup of the metadata, and would cut off every pooler.
 */
export async function openFleetVault(
  directory: ControlDirectory, masterKey: Buffer,
): Promise<{ readonly vault: Vault; readonly derivationKey: Buffer }> {
  const sealed = await readBytes(directory.derivationKey);
  const derivationKey = sealed ? new Vault(masterKey).unseal(sealed, DERIVATION_OWNER) : masterKey;
  return { vault: new Vault(masterKey, derivationKey), derivationKey };
}

/** To whom the sealed key belongs of which others are made. */
export const DERIVATION_OWNER = 'control/derivation';

/** The random name of the fleet's key, which also names the fleet to this machine. */
export async function readFleetName(directory: ControlDirectory): Promise<string | undefined> {
  return (await readKeyRecord(directory))?.name;
}

/** Removes the key that was made for this fleet, with those before it, and answers its path; a key that its owner brought stays. */
export async function removeMasterKey(directory: ControlDirectory): Promise<string | undefined> {
  const made = (await readKeyRecord(directory))?.madeAt;
  if (made !== undefined) {
    const versions = (await list(dirname(made))).filter((name) => name === basename(made) || name.startsWith(`${basename(made)}.`));
    for (const name of versions) rmSync(join(dirname(made), name), { force: true });
  }
  return made;
}

async function makeKey(directory: ControlDirectory, settings: CliSettings): Promise<Buffer> {
  const name = newName();
  const place = placeOf(name, directory, settings);
  if (settings.FREEHOLD_KMS_COMMAND === undefined && place.name.startsWith(directory.dataDir + sep)) {
    throw new CliError(`the master key may not lie inside the data directory: choose another FREEHOLD_MASTER_KEY_FILE than ${place.name}`);
  }
  const brought = (await place.read('current')) !== undefined;
  if (!brought) await place.write('current', randomBytes(KEY_BYTES));
  // The key is on disk before its name is, so that a crash in between leaves a fleet that can still begin.
  const isFile = !brought && settings.FREEHOLD_KMS_COMMAND === undefined;
  if (!(await writeRecord(directory, isFile ? { name, madeAt: place.name } : { name }))) {
    if (isFile && settings.FREEHOLD_MASTER_KEY_FILE === undefined) rmSync(place.name, { force: true });
    return openMasterKey(directory, settings);
  }
  return requireKey(place, directory);
}

async function requireKey(place: KeyPlace, directory: ControlDirectory): Promise<Buffer> {
  const key = await place.read('current');
  if (key) return key;
  throw new CliError(
    `the master key of ${directory.dataDir} is expected in ${place.name}, which does not exist: `
      + 'bring it back from where you keep it, or name its place in FREEHOLD_MASTER_KEY_FILE',
  );
}

function placeOf(name: string, directory: ControlDirectory, settings: CliSettings): KeyPlace {
  if (settings.FREEHOLD_KMS_COMMAND !== undefined) return kmsPlace(settings.FREEHOLD_KMS_COMMAND, directory);
  return settings.FREEHOLD_MASTER_KEY === undefined ? filePlace(keyPath(name, settings)) : environmentPlace(settings);
}

function keyPath(name: string, settings: CliSettings): string {
  if (settings.FREEHOLD_MASTER_KEY_FILE !== undefined) return settings.FREEHOLD_MASTER_KEY_FILE;
  if (process.getuid?.() === 0) return `/etc/freehold/keys/${name}.key`;
  const config = settings.XDG_CONFIG_HOME ?? (settings.HOME === undefined ? undefined : join(settings.HOME, '.config'));
  if (config === undefined) {
    throw new CliError('there is no home directory to keep the master key in: name a file in FREEHOLD_MASTER_KEY_FILE');
  }
  return join(config, 'freehold/keys', `${name}.key`);
}

async function readKeyRecord(directory: ControlDirectory): Promise<KeyRecord | undefined> {
  const [name, madeAt] = (await readText(directory.keyName))?.split('\n') ?? [];
  if (name === undefined || name === '') return undefined;
  return madeAt ? { name, madeAt } : { name };
}

/** Answers false if there is a record already: another start was faster. */
function writeRecord(directory: ControlDirectory, { name, madeAt = '' }: KeyRecord): Promise<boolean> {
  return writeOnce({ path: directory.keyName, content: `${name}\n${madeAt}\n`, mode: 0o600 });
}

function newName(): string {
  return randomBytes(10).toString('hex');
}
