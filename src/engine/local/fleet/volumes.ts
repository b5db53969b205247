import { randomBytes } from 'node:crypto';

import { reasonOf } from '../../../base/reason-of.js';
import { EngineError } from '../../errors.js';
import type { HostShell } from '../machine/host-shell.js';
import { commandFailure } from '../machine/tool-failure.js';
import { VOLUME_SCRIPT } from '../machine/volume-script.js';
import type { AtRest } from './fleet-description.js';

/** Puts the script where the shell can run it; answers with its path. */
export function installVolumeScript(shell: HostShell): Promise<string> {
  return shell.install('freehold-volume', VOLUME_SCRIPT);
}

/** Closes every volume that is open below a fleet's directory; needs no key. */
export async function closeVolumes(shell: HostShell, atOnce: number): Promise<void> {
  const open = shell.mountsUnder(shell.root).filter((path) => /\/volume(\.disk)?$/.test(path));
  const directories = [...new Set(open.map((path) => path.slice(0, path.lastIndexOf('/'))))];
  if (directories.length === 0) return;
  const script = await installVolumeScript(shell);
  const closeNext = async (): Promise<void> => {
    for (let directory = directories.pop(); directory !== undefined; directory = directories.pop()) {
      await shell.run([script, 'close', directory]);
    }
  };
  await Promise.all(Array.from({ length: atOnce }, closeNext));
}

const PROBE_BYTES = 16 * 2 ** 20;
const PROBE_WITHIN_MS = 20_000;

/** Finds out whether volumes can be encrypted on this machine, by making and removing one. */
export async function probeVolumes(shell: HostShell): Promise<AtRest> {
  if (!shell.isRoot) return { encryption: 'none', because: 'only root can mount encrypted volumes' };
  const directory = `${shell.root}/volume-probe`;
  try {
    const script = await installVolumeScript(shell);
    const signal = AbortSignal.timeout(PROBE_WITHIN_MS);
    const act = async (action: string): Promise<void> => {
      const key = randomBytes(64).toString('hex');
      const result = await shell.run([script, action, directory, String(PROBE_BYTES)], { signal, input: key });
      if (result.code !== 0) throw commandFailure('making an encrypted volume', result);
    };
    await act('remove');
    await act('make');
    if (!(await shell.isMountPoint(`${directory}/volume`))) throw new EngineError('permanent', 'nothing was mounted');
    await act('remove');
    return { encryption: 'fscrypt' };
  } catch (error) {
    return { encryption: 'none', because: reasonOf(error) };
  } finally {
    await shell.remove(directory).catch(() => undefined);
  }
}
