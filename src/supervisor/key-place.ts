import { execFile } from 'node:child_process';
import { linkSync, renameSync, rmSync, statSync } from 'node:fs';
import { dirname, join } from 'node:path';

import { CliError } from '../cli/cli-error.js';
import type { CliSettings } from '../config/settings.js';
import { errorCode } from '../base/error-code.js';
import { makeDirectory, readBytes, readText, writeWhole } from '../engine/local/machine/files.js';
import type { ControlDirectory } from './control-directory.js';

const KEY_BYTES = 32;
const KMS_WITHIN_MS = 30_000;

export type Which = 'current' | 'next';

/** Where a fleet's master key is kept: always somewhere else than in the data directory, or wrapped by a key that is. */
export interface KeyPlace {
  /** For messages. */
  readonly name: string;
  /** Undefined if there is none. */
  read(which: Which): Promise<Buffer | undefined>;
  write(which: Which, key: Buffer): Promise<void>;
  /** Makes the next key the current one, at once or not at all; answers what is to be known of the one before. */
  promote(): Promise<string>;
}

export function decodeKey(text: string, source: string): Buffer {
  const key = Buffer.from(text.trim(), 'base64');
  if (key.length !== KEY_BYTES) throw new CliError(`the master key in ${source} is not ${KEY_BYTES} bytes in base64`);
  return key;
}

/** In the environment, which its owner keeps. */
export function environmentPlace({ FREEHOLD_MASTER_KEY: current, FREEHOLD_NEXT_MASTER_KEY: next }: CliSettings): KeyPlace {
  const texts = { current, next };
  return {
    name: 'FREEHOLD_MASTER_KEY',
    read: (which) => {
      const text = texts[which];
      return Promise.resolve(text === undefined ? undefined : decodeKey(text, `FREEHOLD_${which === 'next' ? 'NEXT_' : ''}MASTER_KEY`));
    },
    write: () => {
      throw new CliError(
        'the master key is in the environment: make the new one (openssl rand -base64 32) and give it in FREEHOLD_NEXT_MASTER_KEY',
      );
    },
    promote: () => Promise.resolve('from now on FREEHOLD_MASTER_KEY has to be what FREEHOLD_NEXT_MASTER_KEY is'),
  };
}

/** In a file of its own. */
export function filePlace(path: string): KeyPlace {
  const paths = { current: path, next: `${path}.next` };
  return {
    name: path,
    read: async (which) => {
      const content = await readText(paths[which]);
      if (content === undefined) return undefined;
      if ((statSync(paths[which]).mode & 0o077) !== 0) {
        throw new CliError(`the master key ${paths[which]} can be read by others: chmod 600 ${paths[which]}`);
      }
      return decodeKey(content, paths[which]);
    },
    write: async (which, key) => {
      await makeDirectory(dirname(path), 0o700);
      await writeWhole({ path: paths[which], content: `${key.toString('base64')}\n`, mode: 0o600 });
    },
    promote: () => Promise.resolve(promoteFile(paths)),
  };
}

/**
 * Wrapped by a command that asks a key service: it gets `wrap` or `unwrap` as its last argument and the bytes on standard input,
 * and answers on standard output. What it wrapped lies in the control directory, where it says nothing without the service.
 */
export function kmsPlace(commandLine: string, { control }: ControlDirectory): KeyPlace {
  const path = join(control, 'master-key.wrapped');
  const paths = { current: path, next: `${path}.next` };
  return {
    name: path,
    read: async (which) => {
      const wrapped = await readBytes(paths[which]);
      if (!wrapped) return undefined;
      const key = await askService(commandLine, 'unwrap', wrapped);
      if (key.length !== KEY_BYTES) {
        throw new CliError(`FREEHOLD_KMS_COMMAND unwrapped ${key.length} bytes, and not ${KEY_BYTES}: is it the service of this fleet?`);
      }
      return key;
    },
    write: async (which, key) => {
      const wrapped = await askService(commandLine, 'wrap', key);
      if (wrapped.length === 0 || wrapped.includes(key)) {
        throw new CliError('FREEHOLD_KMS_COMMAND answered to "wrap" with the key itself, or nothing: it has to encrypt it');
      }
      await writeWhole({ path: paths[which], content: wrapped, mode: 0o600 });
    },
    promote: () => Promise.resolve(promoteFile(paths)),
  };
}

/** The one before stays beside it until its owner has a copy of the new one. */
function promoteFile({ current, next }: Record<Which, string>): string {
  const before = `${current}.before-${new Date().toISOString().replaceAll(/[-:]|\.\d+/g, '')}`;
  try {
    linkSync(current, before);
  } catch (error) {
    if (errorCode(error) !== 'EEXIST') throw error;
    rmSync(before);
    linkSync(current, before);
  }
  renameSync(next, current);
  return `the key before is in ${before}: keep a copy of the new one elsewhere, and remove the one before once the fleet serves`;
}

/** @throws CliError with what the command said, if it fails or takes too long. */
function askService(commandLine: string, verb: 'wrap' | 'unwrap', input: Buffer): Promise<Buffer> {
  const [program = '', ...rest] = commandLine.split(/\s+/).filter(Boolean);
  return new Promise((resolve, reject) => {
    const options = { encoding: 'buffer', timeout: KMS_WITHIN_MS, killSignal: 'SIGKILL', cwd: '/' } as const;
    const child = execFile(program, [...rest, verb], options, (error, stdout, stderr) => {
      if (!error) return resolve(stdout);
      const why = error.killed ? `it took longer than ${KMS_WITHIN_MS / 1_000} seconds` : stderr.toString().trim() || error.message;
      reject(new CliError(`FREEHOLD_KMS_COMMAND (${program} … ${verb}) failed: ${why}: the master key cannot be had until it answers`));
    });
    child.stdin?.on('error', () => undefined);
    child.stdin?.end(input);
  });
}
