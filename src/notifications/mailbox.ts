import { chmod, mkdir, rename, writeFile } from 'node:fs/promises';
import { join } from 'node:path';

/**
 * Where mails lie of a fleet that has no mail server: one file each, as a mail program opens them. They hold tokens, and only the
 * account that runs Freehold may read them.
 */
export const mailboxOf = (dataDir: string): string => join(dataDir, 'mailbox');

/** A reader never finds half a mail. */
export async function putIntoMailbox(dataDir: string, id: string, message: Buffer): Promise<void> {
  const folder = mailboxOf(dataDir);
  await mkdir(folder, { recursive: true, mode: 0o700 });
  await chmod(folder, 0o700);
  const path = join(folder, `${id}.eml`);
  await writeFile(`${path}.part`, message, { mode: 0o600 });
  await rename(`${path}.part`, path);
}
