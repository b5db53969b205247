import { command, quote } from '../../machine/gate-script.js';
import type { InstanceContext } from '../../fleet/instance-context.js';

/*
 * The fence mark (`protocol.md`, rules 5, 6 and 11) has two halves. A file beside the record of the highest token, out of
 * reach of whatever rewrites PGDATA, is what the engine goes by. And PGDATA's pg_control has another name meanwhile, so
 * that `postgres` itself cannot start, no matter by whom: it reads that file before it serves, and again once it has taken
 * the directory for its own, from where on it is found by its working directory.
 *
 * The file comes first and goes last. Whatever is cut off half-way therefore leaves the instance marked, and both halves
 * of each line below do no harm when they are done twice.
 */

/** A line that writes the first half, durably. */
export function announceLine({ paths }: InstanceContext): string {
  return `: >>${quote(paths.mark)} && ${command('sync', paths.mark, paths.control)}`;
}

/** A line that says durably that the data is to be kept, under the first name that it was given. */
export function keepLine({ paths }: InstanceContext, token: bigint): string {
  const next = `${paths.keep}.next`;
  const write = `printf '%s\\n' ${token} >${quote(next)} && ${command('mv', '-T', '--', next, paths.keep)}`;
  return `{ [ -e ${quote(paths.keep)} ] || { ${write}; }; } && ${command('sync', paths.keep, paths.control)}`;
}

/** A line that writes both halves, durably; clients wait for it, so that it waits for the disk once. */
export function markLine({ paths }: InstanceContext): string {
  const directory = `${paths.data}/global`;
  const move = `${command('mv', '-T', '--', paths.pgControl, paths.pgControlMarked)} `
    + `&& ${command('sync', paths.mark, paths.control, directory)}`;
  return `: >>${quote(paths.mark)} && if [ -e ${quote(paths.pgControl)} ]; then ${move}; `
    + `else ${command('sync', paths.mark, paths.control)}; fi`;
}

/** A line that takes back the second half. */
export function enableLine({ paths }: InstanceContext): string {
  const move = `${command('mv', '-T', '--', paths.pgControlMarked, paths.pgControl)} && ${command('sync', `${paths.data}/global`)}`;
  return `if [ -e ${quote(paths.pgControlMarked)} ]; then ${move}; fi`;
}

/** A line that lifts the first half. */
export function liftLine({ paths }: InstanceContext): string {
  return `${command('rm', '-f', '--', paths.mark)} && ${command('sync', paths.control)}`;
}
