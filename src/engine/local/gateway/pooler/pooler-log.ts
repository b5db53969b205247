import type { LoggedRefusal } from '../router/refusal-log.js';

/** What a pooler's log says of clients that it refused for where they come from. */
export interface LoggedStrangers {
  /** As many as are in the log, which is cut short at times. */
  readonly count: number;
  readonly last: LoggedRefusal;
}

/**
 * The names that the client gives stand before its address, and may hold anything; a line break in them is followed by a blank, so
 * that no client can make a line up.
 */
const LINE = /^([\d-]{10}) ([\d:.]{12}) UTC \[\d+\] WARNING C-0x[0-9a-f]+: (.*)@\[?([0-9a-f.:]+?)\]?:\d+ pooler error: login rejected$/;
/** Databases and roles that nobody may enter from anywhere. */
const CLOSED = /^(?:pgbouncer|freehold|template[01])\/|\/freehold_(?:pooler|gateway)$/;

/** Undefined if it says of none. */
export function findStrangers(log: string): LoggedStrangers | undefined {
  const refusals = log.split('\n').flatMap((line) => {
    const [, day, time, names = '', source] = LINE.exec(line) ?? [];
    return day === undefined || source === undefined || CLOSED.test(names) ? [] : [{ at: `${day}T${time}Z`, source }];
  });
  const last = refusals.at(-1);
  return last && { count: refusals.length, last };
}
