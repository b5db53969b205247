/** A client that was refused, as a line of the router's log tells it (its `log-format` is in router-config.ts). */
export interface LoggedRefusal {
  /** RFC 3339. */
  readonly at: string;
  readonly source: string;
}

const LINE = /^(\S+) (\S+) database=(\S+) port=\S+ source=(\S+) /;

/** The newest line about a database for each reason. */
export function findLastRefusals(log: string, databaseId: string): ReadonlyMap<string, LoggedRefusal> {
  const found = new Map<string, LoggedRefusal>();
  for (const line of log.split('\n')) {
    const [, at, reason, database, source] = LINE.exec(line) ?? [];
    if (database === databaseId && at !== undefined && reason !== undefined && source !== undefined) found.set(reason, { at, source });
  }
  return found;
}
