import { eitherOf } from '../../../base/signals.js';
import { EngineError } from '../../errors.js';
import { LEAST_ROOM_BYTES } from './probe-site.js';
import type { SiteWork } from './site-work.js';

/** By another process, since a disk that hangs holds up the process that asks it. $1 the directory, $2 the least room. */
const WATCH =
  'while sleep 0.25; do free=$(($(stat -f -c "%a * %S" "$1"))); [ "$free" -ge "$2" ] || { echo "$free"; exit 0; }; done; exit 1';

/**
 * Writes to a site, and ends that as soon as the site is full. Where it is on the same disk as others, what is left belongs to
 * them: to databases that go on, and to the control plane. What is reached by a protocol says by itself that it is full.
 *
 * @throws EngineError `transient` when there is no room, as soon as the writing has ended
 */
export async function whileRoom<T>({ fleet, site }: SiteWork, signal: AbortSignal, write: (signal: AbortSignal) => Promise<T>): Promise<T> {
  const { directory } = site.repository;
  if (directory === undefined) return write(signal);
  const [full, over] = [new AbortController(), new AbortController()];
  const watching = fleet.shell.run(['/bin/sh', '-c', WATCH, 'watch', directory, String(LEAST_ROOM_BYTES)], { signal: over.signal }).then(
    ({ code, stdout }) =>
      code === 0
      && full.abort(new EngineError('transient', `site ${site.id} is full: ${stdout.trim()} bytes are free`, 'make room at the site')),
    () => undefined,
  );
  try {
    return await write(eitherOf(signal, full.signal));
  } catch (error) {
    throw full.signal.aborted && !signal.aborted ? full.signal.reason : error;
  } finally {
    over.abort();
    await watching;
  }
}
