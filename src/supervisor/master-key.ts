import { randomBytes } from 'node:crypto';
import { rmSync, statSync } from 'node:fs';
import { dirname, join, sep } from 'node:path';

import type { CliSettings } from '../config/settings.js';
import { CliError } from '../cli/cli-error.js';
import { makeDirectory, readText, writeOnce, writeWhole } from '../engine/local/machine/files.js';
import type { ControlDirectory } from './control-directory.js';

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
  const record = await readKeyRecord(directory);
  if (settings.FREEHOLD_MASTER_KEY !== undefined) {
    if (!record) await writeRecord(directory, { name: newName() });
    return decode(settings.FREEHOLD_MASTER_KEY, 'FREEHOLD_MASTER_KEY');
  }
  if (record) return readKey(keyPath(record.name, settings), directory);
  return makeKey(directory, settings);
}

/** The random name of the fleet's key, which also names the fleet to this machine. */
export async function readFleetName(directory: ControlDirectory): Promise<string | undefined> {
  return (await readKeyRecord(directory))?.name;
}

/** Removes the key that was made for this fleet and answers its path; a key that its owner brought stays. */
export async function removeMasterKey(directory: ControlDirectory): Promise<string | undefined> {
  const made = (await readKeyRecord(directory))?.madeAt;
  if (made !== undefined) rmSync(made, { force: true });
  return made;
}

async function makeKey(directory: ControlDirectory, settings: CliSettings): Promise<Buffer> {
  const name = newName();
  const path = keyPath(name, settings);
  if (path.startsWith(directory.dataDir + sep)) {
    throw new CliError(`the master key may not lie inside the data directory: choose another FREEHOLD_MASTER_KEY_FILE than ${path}`);
  }
  const brought = (await readText(path)) !== undefined;
  if (!brought) {
    await makeDirectory(dirname(path), 0o700);
    await writeWhole({ path, content: `${randomBytes(KEY_BYTES).toString('base64')}\n`, mode: 0o600 });
  }
  // The key is on disk before its name is, so that a crash in between leaves a fleet that can still begin.
  if (!(await writeRecord(directory, brought ? { name } : { name, madeAt: path }))) {
    if (!brought && settings.FREEHOLD_MASTER_KEY_FILE === undefined) rmSync(path, { force: true });
    return openMasterKey(directory, settings);
  }
  return readKey(path, directory);
}

async function readKey(path: string, directory: ControlDirectory): Promise<Buffer> {
  const content = await readText(path);
  if (content === undefined) {
    throw new CliError(
      `the master key of ${directory.dataDir} is expected in ${path}, which does not exist: `
        + 'bring it back from where you keep it, or name its place in FREEHOLD_MASTER_KEY_FILE',
    );
  }
  if ((statSync(path).mode & 0o077) !== 0) throw new CliError(`the master key ${path} can be read by others: chmod 600 ${path}`);
  return decode(content, path);
}

function decode(text: string, source: string): Buffer {
  const key = Buffer.from(text.trim(), 'base64');
  if (key.length !== KEY_BYTES) throw new CliError(`the master key in ${source} is not ${KEY_BYTES} bytes in base64`);
  return key;
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
