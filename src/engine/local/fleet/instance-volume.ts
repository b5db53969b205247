import { EngineError } from '../../errors.js';
import { command } from '../machine/gate-script.js';
import type { Gate } from '../machine/gate.js';
import type { HostShell } from '../machine/host-shell.js';
import type { CommandResult } from '../machine/run-command.js';
import { commandFailure } from '../machine/tool-failure.js';
import { VOLUME_EXIT } from '../machine/volume-script.js';
import type { InstanceContext } from './instance-context.js';
import { volumeKey } from './volume-key.js';
import { volumeBytes } from './volume-size.js';

/** A new cluster takes about half of it. */
const LEAST_ROOM_BYTES = 128 * 2 ** 20;

type OfVolume = Pick<InstanceContext, 'shell' | 'paths' | 'instance' | 'fleet'>;

/**
 * Makes the files of an instance that is there readable, as after a reboot; two looks at the file system where they are already.
 *
 * It makes nothing: without its key, which a deletion erases first, the volume stays closed.
 */
export async function openVolume(context: OfVolume, signal: AbortSignal): Promise<void> {
  const { shell, instance, fleet } = context;
  const { volume } = instance.database.secrets;
  if (volume === undefined || !(await isClosed(context))) return;
  const result = await shell.run(words(context, 'open'), { signal, input: volumeKey(volume, instance.host) });
  refuseFailed(context, 'opening', result);
  fleet.log.info({ instanceId: instance.id }, 'the encrypted volume was opened');
}

/** Checks within the instance's lock, before its server is started, that its volume is whole and open, and mends it if it is not. */
export async function mendVolume(context: OfVolume, gate: Gate): Promise<void> {
  if (await context.shell.exists(context.paths.image)) await within(context, gate, 'open', 'opening');
}

/**
 * Makes the volume in which the files of a new instance will be, if it is not there; a plain directory where this machine encrypts
 * nothing, or the database's files on the host were not encrypted before.
 */
export async function makeVolume(context: OfVolume, gate: Gate): Promise<void> {
  const { fleet, instance, shell, paths } = context;
  const encrypts = fleet.description.atRest.encryption === 'fscrypt' && instance.database.secrets.volume !== undefined;
  const isThere = await shell.exists(paths.image);
  if (!encrypts && !isThere) return;
  if (!isThere) await requireRoom(context);
  await within(context, gate, 'make', 'making');
}

/** Whether there is an encrypted volume whose files nobody can read at present. */
export async function isClosed({ shell, paths }: Pick<OfVolume, 'shell' | 'paths'>): Promise<boolean> {
  return (await shell.exists(paths.image)) && !(await shell.isMountPoint(paths.volume));
}

/** How much room there is for an instance's files: in its volume, or on the disk below it, whichever has less; an image is sparse. */
export async function roomOf({ shell, paths }: Pick<OfVolume, 'shell' | 'paths'>): ReturnType<HostShell['roomAt']> {
  const [volume, disk] = await Promise.all([shell.roomAt(paths.volume), shell.roomAt(paths.database)]);
  return volume && disk && disk.freeBytes < volume.freeBytes ? disk : volume;
}

/** What an image has promised, a disk that is full cannot keep: it is told before anything is made. */
async function requireRoom({ shell, paths, instance }: OfVolume): Promise<void> {
  const room = await shell.roomAt(paths.database);
  if (!room || room.freeBytes >= LEAST_ROOM_BYTES) return;
  throw new EngineError(
    'transient', `no space left on the disk of ${instance.host}: ${room.freeBytes} bytes are free`,
    'make room on the host, or place it on another',
  );
}

/** Takes the key from the kernel and removes the volume, unless another copy of the data is left in it. */
export async function removeVolume(context: OfVolume, gate: Gate): Promise<void> {
  const { shell, paths } = context;
  if (shell.isRoot) refuseFailed(context, 'removing', await gate.run(command(...words(context, 'remove'))));
  await gate.run(command('rmdir', '--ignore-fail-on-non-empty', '--', paths.volume));
}

const words = ({ fleet, paths, instance }: OfVolume, action: 'open' | 'make' | 'remove'): string[] =>
  [fleet.volumeScript, action, paths.database, String(volumeBytes(instance.database.size))];

/** The key goes through a pipe of the gate's shell. */
async function within(context: OfVolume, gate: Gate, action: 'open' | 'make', what: string): Promise<void> {
  const { instance } = context;
  const { volume } = instance.database.secrets;
  const key = volume === undefined ? '' : volumeKey(volume, instance.host);
  refuseFailed(context, what, await gate.run(`${command(...words(context, action))} <<< ${key}`));
}

function refuseFailed({ instance }: OfVolume, what: string, result: CommandResult): void {
  if (result.code === 0) return;
  const failure = commandFailure(`${what} the volume of ${instance.id}`, result);
  if (result.code !== VOLUME_EXIT.wrongKey) throw failure;
  throw new EngineError('permanent', failure.message, 'was the metadata restored from before the database was brought back?');
}
