import { randomBytes } from 'node:crypto';
import { constants } from 'node:fs';
import { chmod, chown, link, lstat, mkdir, open, readdir, readFile, realpath, rename, rm, rmdir, stat, statfs } from 'node:fs/promises';
import { dirname, join } from 'node:path';

import { errorCode } from '../../../base/error-code.js';

/** A Unix account, by number; it needs no entry in the machine's passwd. */
export interface Account {
  readonly uid: number;
  readonly gid: number;
}

export interface FileContent {
  readonly path: string;
  readonly content: string | Buffer;
  readonly mode: number;
  readonly owner?: Account;
}

/** Answers undefined for a file that is not there. */
export async function readText(path: string): Promise<string | undefined> {
  const bytes = await readBytes(path);
  return bytes?.toString('utf8');
}

export async function readBytes(path: string): Promise<Buffer | undefined> {
  try {
    return await readFile(path);
  } catch (error) {
    if (isMissing(error)) return undefined;
    throw error;
  }
}

/** The end of a text file, such as a server's log; empty if there is none. */
export async function readTail(path: string, limitBytes: number): Promise<string> {
  try {
    const handle = await open(path, 'r');
    try {
      const { size } = await handle.stat();
      const buffer = Buffer.alloc(Math.min(size, limitBytes));
      await handle.read(buffer, 0, buffer.length, Math.max(0, size - buffer.length));
      return buffer.toString('utf8');
    } finally {
      await handle.close();
    }
  } catch (error) {
    if (isMissing(error)) return '';
    throw error;
  }
}

export async function exists(path: string): Promise<boolean> {
  return (await lstat(path).catch(() => undefined)) !== undefined;
}

/** Bytes of a file; 0 if there is none. */
export async function sizeBytes(path: string): Promise<number> {
  return (await stat(path).catch(() => undefined))?.size ?? 0;
}

/** What a file takes of its file system, in bytes: less than its size where it has holes; 0 if there is none. */
export async function allocatedBytes(path: string): Promise<number> {
  return ((await stat(path).catch(() => undefined))?.blocks ?? 0) * 512;
}

/** When a file was last written; undefined if there is none. */
export async function modifiedAt(path: string): Promise<Date | undefined> {
  return (await stat(path).catch(() => undefined))?.mtime;
}

/** Who owns a file or directory; undefined if it is not there. */
export async function ownerOf(path: string): Promise<Account | undefined> {
  const found = await stat(path).catch(() => undefined);
  return found && { uid: found.uid, gid: found.gid };
}

/** How full the file system of a path is, as `df` counts it for a program without privileges; undefined if the path is not there. */
export async function roomAt(
  path: string,
): Promise<{ readonly device: number; readonly usedBytes: number; readonly freeBytes: number } | undefined> {
  const [volume, entry] = await Promise.all([statfs(path).catch(() => undefined), stat(path).catch(() => undefined)]);
  if (!volume || !entry) return undefined;
  return { device: entry.dev, usedBytes: (volume.blocks - volume.bfree) * volume.bsize, freeBytes: volume.bavail * volume.bsize };
}

/** Whether another file system begins at a path than the one of its parent. */
export async function isMountPoint(path: string): Promise<boolean> {
  const [own, above] = await Promise.all([path, dirname(path)].map((each) => stat(each).catch(() => undefined)));
  return own !== undefined && own.dev !== above?.dev;
}

/** Names in a directory, sorted; none if it is not there. */
export async function list(path: string): Promise<string[]> {
  try {
    return (await readdir(path)).sort();
  } catch (error) {
    if (isMissing(error)) return [];
    throw error;
  }
}

/**
 * Makes a directory and what is missing above it; what is there stays as it is.
 *
 * Node's own recursive mkdir never returns where a file system answers "no such file" for a directory whose parent is
 * there, as /proc does.
 */
export async function makeDirectory(path: string, mode: number): Promise<void> {
  if (await exists(path)) return;
  await makeDirectory(dirname(path), mode);
  try {
    await mkdir(path, { mode });
  } catch (error) {
    if (errorCode(error) !== 'EEXIST') throw error;
  }
}

/** Makes a directory with its parents; sets its own mode and owner even if it was there. */
export async function ensureDirectory(path: string, mode: number, owner?: Account): Promise<void> {
  await makeDirectory(path, 0o711);
  await chmod(path, mode);
  if (owner) await chown(path, owner.uid, owner.gid);
}

/**
 * Writes a new file beside the one that it is to replace, and answers with its path.
 *
 * Nothing refers to it until it is renamed into place, so writing it needs no fence.
 */
export async function stage(file: FileContent, synced: boolean): Promise<string> {
  const staged = `${file.path}.staged-${randomBytes(6).toString('hex')}`;
  const handle = await open(staged, 'wx', file.mode);
  try {
    await handle.writeFile(file.content);
    await handle.chmod(file.mode);
    if (file.owner) await handle.chown(file.owner.uid, file.owner.gid);
    if (synced) await handle.sync();
  } catch (error) {
    // A disk that is full would stay so for the halves that were left on it.
    await removeTree(staged);
    throw error;
  } finally {
    await handle.close();
  }
  return staged;
}

/** Replaces a file as a whole, synced to disk: a crash leaves the old one or the new one. */
export async function writeWhole(file: FileContent): Promise<void> {
  const staged = await stage(file, true);
  await rename(staged, file.path);
  await syncDirectory(dirname(file.path));
}

/** Like {@link writeWhole}, but leaves a file that is there alone and answers whether this one was written. */
export async function writeOnce(file: FileContent): Promise<boolean> {
  const staged = await stage(file, true);
  try {
    await link(staged, file.path);
    await syncDirectory(dirname(file.path));
    return true;
  } catch (error) {
    if (errorCode(error) !== 'EEXIST') throw error;
    return false;
  } finally {
    await removeTree(staged);
  }
}

export async function syncDirectory(path: string): Promise<void> {
  const handle = await open(path, 'r');
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}

/** Removes a file or a whole tree; nothing happens if it is not there. */
export async function removeTree(path: string): Promise<void> {
  await rm(path, { recursive: true, force: true, maxRetries: 3 });
}

/** Removes a directory if nothing is in it. */
export async function removeIfEmpty(path: string): Promise<void> {
  await rmdir(path).catch(() => undefined);
}

/** How much of its end is kept when a log is cut short. */
const KEPT_LOG_BYTES = 2 ** 20;

/**
 * Cuts a log that has grown longer than it may while it is written to, by a program that appends. Its end goes beside it, where
 * there is room. A link in its place is not followed: others than root may own the directory.
 */
export async function boundLog(path: string, limitBytes: number): Promise<void> {
  if ((await sizeBytes(path)) <= limitBytes) return;
  const log = await open(path, constants.O_RDWR | constants.O_NOFOLLOW);
  try {
    const { size, uid, gid } = await log.stat();
    const end = Buffer.alloc(Math.min(size, KEPT_LOG_BYTES));
    await log.read(end, 0, end.length, size - end.length);
    await keepLog(`${path}.1`, end, { uid, gid }).catch(() => removeTree(`${path}.1`));
    await log.truncate(0);
  } finally {
    await log.close();
  }
}

async function keepLog(path: string, content: Buffer, owner: Account): Promise<void> {
  await removeTree(path);
  const kept = await open(path, constants.O_WRONLY | constants.O_CREAT | constants.O_EXCL, 0o600);
  try {
    await kept.writeFile(content);
    await kept.chown(owner.uid, owner.gid);
  } finally {
    await kept.close();
  }
}

/** The first directory from the root down to the path that other users may not pass through; undefined if all may. */
export async function firstClosedParent(path: string): Promise<string | undefined> {
  const parts = (await realpath(path)).split('/').filter(Boolean);
  let current = '/';
  for (const part of ['', ...parts]) {
    current = join(current, part);
    if (((await stat(current)).mode & 0o001) === 0) return current;
  }
  return undefined;
}

export { chmod, realpath };

function isMissing(error: unknown): boolean {
  const code = errorCode(error);
  return code === 'ENOENT' || code === 'ENOTDIR';
}
