import { EngineError, type EngineErrorKind } from '../../errors.js';

/** How a program ended. */
interface Ended {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

/** What a program's words mean: whether it may work the next time, and what to do about it. */
interface Explanation {
  readonly kind: EngineErrorKind;
  readonly hint: string;
}

interface Rule extends Explanation {
  readonly words: RegExp;
}

/** Finds any of the patterns, in whatever case. */
const anyOf = (...patterns: readonly string[]): RegExp => new RegExp(patterns.join('|'), 'i');

/**
 * What PostgreSQL's programs, pgBackRest and the system say, and what it means; the first that fits counts.
 *
 * `permanent` is only what somebody has to change before the same call can work: a wrong one would end an operation that
 * another attempt would have finished.
 */
const RULES: readonly Rule[] = [
  {
    words: /max_locks_per_transaction|max_pred_locks_per_transaction/,
    kind: 'permanent',
    hint: 'it has more tables, views and sequences than its server can lock at once: '
      + 'drop what is not needed, or take them in parts, as by pg_dump --schema',
  },
  {
    words: /no space left on device|disk quota exceeded|could not extend file/i,
    kind: 'transient',
    hint: 'make room on the host, or place it on another',
  },
  {
    words: /cannot allocate memory|out of memory|resource temporarily unavailable|too many open files/i,
    kind: 'transient',
    hint: 'the host is short of memory, processes or files: try again, or place it on another',
  },
  {
    words: /too many (?:connections|clients)|remaining connection slots/i,
    kind: 'transient',
    hint: 'all connections are in use: try again when one is free',
  },
  {
    words: /lock timeout|deadlock detected|could not obtain lock/i,
    kind: 'transient',
    hint: 'somebody holds a lock for long: try again when it is free',
  },
  { words: /conflict with recovery/i, kind: 'transient', hint: 'the standby had to go on: try again, or read from the primary' },
  {
    words: anyOf(
      'the database system is (?:starting up|shutting down|in recovery mode|not yet accepting)', 'terminating connection',
      'server closed the connection', 'connection (?:refused|reset|timed out)', 'no route to host', 'timeout expired', 'SSL SYSCALL',
      'connection to server was lost', 'no connection to the server',
    ),
    kind: 'transient', hint: 'the server went away, as in a failover: try again',
  },
  {
    words: /server version mismatch|unsupported version|incompatible with server/i,
    kind: 'permanent',
    hint: "install the programs of the server's own version",
  },
  {
    words: /password authentication failed|no pg_hba\.conf entry/i,
    kind: 'transient',
    hint: 'the server does not let the control plane in: see its log',
  },
  {
    words: /(?:database|role) "[^"]*" does not exist|permission denied for|must be (?:owner of|superuser)/i,
    kind: 'permanent',
    hint: 'see what the role may do there',
  },
  { words: /row-level security policy for table/i, kind: 'permanent', hint: 'read with a role that row-level security does not bind' },
  {
    words: anyOf(
      'invalid page in block', 'page verification failed', 'could not read block', 'missing chunk number', 'unexpected chunk number',
      'compressed \\w+ data is corrupt', 'could not access status of transaction',
    ),
    kind: 'permanent', hint: 'the data is damaged: restore the database to a moment before, into a new one, and compare',
  },
  {
    words: /(?:unrecognized|invalid|unknown) option|command not found|is not installed/i,
    kind: 'permanent',
    hint: 'install the program anew, of a version that is supported',
  },
];

/** The code by which a shell, `nice` and `env` say that there is no such program. */
const NOT_FOUND = 127;
const NOT_INSTALLED: Explanation = { kind: 'permanent', hint: 'install it and try again' };
const UNKNOWN: Explanation = { kind: 'transient', hint: 'see the host\'s log' };

/** Tells what a program that failed said; undefined if that is nothing known. */
export function explainWords(text: string): Explanation | undefined {
  const found = RULES.find(({ words }) => words.test(text));
  return found && { kind: found.kind, hint: found.hint };
}

/** An error for a program that failed: what it was to do, its own words for what went wrong, and whether it may work next time. */
export function commandFailure(what: string, result: Ended): EngineError {
  const text = result.stderr.trim() === '' ? result.stdout : result.stderr;
  const { kind, hint } = result.code === NOT_FOUND ? NOT_INSTALLED : explainWords(text) ?? UNKNOWN;
  return new EngineError(kind, `${what} failed: ${mainWords(text) || `it ended with code ${result.code} and said nothing`}`, hint);
}

/** Whether a program says that a disk is full. */
export const saysNoRoom = (text: string): boolean => /no space left on device|disk quota exceeded/i.test(text);

/** Where an error begins, with or without the name of the program, and of the server that it came from. */
const ERROR = /^(?:.*?(?:error|fatal|panic): +)+/i;

/** What went wrong in a program's own words: its errors without their names, else its last lines. */
function mainWords(text: string): string {
  const errors = text.split('\n').filter((line) => ERROR.test(line)).map((line) => line.replace(ERROR, ''));
  return lastLines(errors.length > 0 ? errors.slice(0, 2).join('\n') : text);
}

/** The last lines of a program's output, in one, without what must not be shown. */
export function lastLines(text: string, count = 4): string {
  const lines = text
    .split('\n')
    .map((line) => line.trim())
    .filter((line) => line !== '' && !line.startsWith('LINE ') && !line.startsWith('STATEMENT'));
  return lines.slice(-count).join(' | ').replaceAll(/SCRAM-SHA-256\$[^\s']+/g, 'SCRAM-SHA-256$…').replaceAll(/(password=)\S+/gi, '$1…');
}
