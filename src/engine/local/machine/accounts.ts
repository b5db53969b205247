import { readText, type Account } from './files.js';

/** The number of a named account of this machine; undefined if there is none. */
export async function lookUpAccount(name: string): Promise<Account | undefined> {
  const line = (await readText('/etc/passwd'))?.split('\n').find((entry) => entry.startsWith(`${name}:`));
  const [, , uid, gid] = line?.split(':') ?? [];
  return uid && gid ? { uid: Number(uid), gid: Number(gid) } : undefined;
}
