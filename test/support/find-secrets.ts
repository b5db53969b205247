import { closeSync, openSync, readdirSync, readFileSync, readSync } from 'node:fs';
import { join } from 'node:path';
import pg from 'pg';
import { Vault } from '../../src/secrets/vault.js';

/** A secret, and what it is called when it is found. */
export type Secrets = Map<string, string>;

/** Every secret of an embedded fleet that its files and its metadata hold sealed, with the key that seals them. */
export async function readSecrets(dataDir: string): Promise<Secrets> {
  const [, keyFile] = readFileSync(join(dataDir, 'control/key-name'), 'utf8').split('\n');
  const masterKey = readFileSync(keyFile!, 'utf8').trim();
  const vault = new Vault(Buffer.from(masterKey, 'base64'));
  // An address is no secret.
  const { operatorEmail: _, ...control } = JSON.parse(vault.unseal(readFileSync(join(dataDir, 'control/keys.sealed')), 'control/keys').toString()) as Record<string, string>;
  const { metadata } = JSON.parse(readFileSync(join(dataDir, 'control/ports.json'), 'utf8')) as { metadata: number };
  const client = new pg.Client(`postgresql://freehold:${encodeURIComponent(control.metadataPassword!)}@127.0.0.1:${metadata}/freehold`);
  await client.connect();
  try {
    const { rows: databases } = await client.query<{ id: string; sealed: Buffer }>('SELECT id, sealed_secrets AS sealed FROM databases WHERE sealed_secrets IS NOT NULL');
    const { rows: sets } = await client.query<{ id: string; sealed: Buffer }>('SELECT database_id AS id, sealed_key AS sealed FROM backup_sets WHERE sealed_key IS NOT NULL');
    const ofInstances = databases.flatMap(({ id, sealed }) =>
      Object.entries(JSON.parse(vault.unseal(sealed, id).toString()) as Record<string, string>).map(([name, secret]) => [`${name} password of ${id}`, secret] as const));
    const ofBackups = sets.map(({ id, sealed }) => [`backup key of ${id}`, vault.unseal(sealed, `${id}/backups`).toString()] as const);
    return new Map([['master key', masterKey], ['master key in hexadecimal', Buffer.from(masterKey, 'base64').toString('hex')], ...Object.entries(control), ...ofInstances, ...ofBackups]);
  } finally {
    await client.end();
  }
}

/** The logs below a directory, whatever wrote them. */
export function listLogs(directory: string): string[] {
  return readdirSync(directory, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile() && /(^|\.)log(\.\d+)?$/.test(entry.name)).map((entry) => join(entry.parentPath, entry.name));
}

const CHUNK_BYTES = 4 * 2 ** 20;
/** Longer than any secret: one that lies across two chunks is found in the second. */
const OVERLAP_BYTES = 4_096;

/** Where which secret, or any private key, is found: in these files, and in the command lines and environments of these processes. */
export function findSecrets(secrets: Secrets, files: readonly string[], pids: readonly number[]): string[] {
  const ofProcesses = pids.flatMap((pid) => [`/proc/${pid}/cmdline`, `/proc/${pid}/environ`]);
  return [...files, ...ofProcesses].flatMap((path) => {
    const found = new Set<string>();
    for (const text of readChunks(path)) {
      for (const [name, secret] of secrets) if (text.includes(secret)) found.add(name);
      if (text.includes('PRIVATE KEY-----')) found.add('a private key');
    }
    return [...found].map((name) => `${name} in ${path}`);
  });
}

function* readChunks(path: string): Generator<string> {
  let file: number;
  try {
    file = openSync(path, 'r');
  } catch {
    // A process that has ended meanwhile.
    return;
  }
  try {
    const buffer = Buffer.alloc(CHUNK_BYTES);
    let kept = '';
    for (let bytes = readSync(file, buffer); bytes > 0; bytes = readSync(file, buffer)) {
      const text = kept + buffer.toString('latin1', 0, bytes);
      yield text;
      kept = text.slice(-OVERLAP_BYTES);
    }
  } finally {
    closeSync(file);
  }
}
