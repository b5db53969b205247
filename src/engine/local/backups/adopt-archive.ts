import type { Effect } from '../../ports.js';
import { command } from '../machine/gate-script.js';
import { archiveSubject, type InstanceContext } from '../fleet/instance-context.js';

/** More segments than fit on a command line are marked in several. */
const MARKED_AT_ONCE = 500;

/** Segments that are complete, and the histories of timelines: archived, or yet to be. */
const DONE = '.done';
const STATUS_NAME = /^(([0-9A-F]{24}|[0-9A-F]{8}\.history)\.(done|ready))$/;

/**
 * Marks all WAL that a new primary still has of the time before its promotion as yet to be archived.
 *
 * A standby marks what it streamed as done, though its primary may have died before it was archived. What it still holds
 * is bounded by its `wal_keep_size`. To send a segment twice does no harm, and nobody has to ask the sites which of them
 * they lack.
 *
 * They wait from now on, and so does what it marked itself when it was a primary before: nobody could archive it meanwhile.
 */
export async function adoptArchive(primary: InstanceContext, effect: Effect): Promise<number> {
  const { shell, paths } = primary;
  const status = `${paths.data}/pg_wal/archive_status`;
  const held = (await shell.list(status)).filter((name) => STATUS_NAME.test(name));
  if (held.length === 0) return 0;
  await shell.fenced(archiveSubject(primary), effect.signal, async (gate) => {
    for (let first = 0; first < held.length; first += MARKED_AT_ONCE) {
      const names = held.slice(first, first + MARKED_AT_ONCE);
      // One that was removed meanwhile is not there any more.
      const moves = names
        .filter((name) => name.endsWith(DONE))
        .map((name) => `{ [ ! -e ${name} ] || mv -T -- ${name} ${name.slice(0, -DONE.length)}.ready; }`);
      await gate.must([command('cd', status), command('touch', '-c', '--', ...names), ...moves].join(' && '), 'marking wal to be archived');
    }
  });
  return held.filter((name) => name.endsWith(DONE)).length;
}
