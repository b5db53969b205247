/**
 * Settings of which a standby may not have less than its primary, and what PostgreSQL takes where they are not set.
 *
 * A standby that has less stops replaying as soon as it reads of the change, and ends when it is promoted: a raise reaches every
 * standby before it reaches the primary.
 */
const DEFAULTS = {
  max_connections: 100, max_worker_processes: 8, max_wal_senders: 10, max_prepared_transactions: 0, max_locks_per_transaction: 64,
};

export type FollowedSettings = Record<keyof typeof DEFAULTS, number>;

const NAMES = Object.keys(DEFAULTS) as (keyof typeof DEFAULTS)[];

/** Reads them from a postgresql.conf that Freehold wrote. */
export function readFollowed(configuration: string): FollowedSettings {
  const valueOf = (name: keyof typeof DEFAULTS): number => {
    const found = new RegExp(`^${name} = (\\d+)$`, 'm').exec(configuration)?.[1];
    return found === undefined ? DEFAULTS[name] : Number(found);
  };
  return Object.fromEntries(NAMES.map((name) => [name, valueOf(name)])) as FollowedSettings;
}

/**
 * What an instance is started with.
 *
 * @param wanted what this version gives to the instance's size
 * @param had what it was started with the last time; undefined if it never was
 * @param leads whether it is a primary that others may follow: then it keeps what it had, since they may run with no more. They
 *   get what is wanted at their own next start, and the database has it when one of them is promoted.
 */
export function chooseFollowed(wanted: FollowedSettings, had: FollowedSettings | undefined, leads: boolean): FollowedSettings {
  if (!had) return wanted;
  if (leads) return had;
  return Object.fromEntries(NAMES.map((name) => [name, Math.max(wanted[name], had[name])])) as FollowedSettings;
}

/** Whether a standby that runs with these has less than what it would be started with now, which its primary may have. */
export const isOutgrown = (runs: FollowedSettings, wanted: FollowedSettings): boolean => NAMES.some((name) => runs[name] < wanted[name]);

/** A postgresql.conf with these instead of its own. */
export function withFollowed(configuration: string, settings: FollowedSettings): string {
  return NAMES.reduce((text, name) => {
    const line = new RegExp(`^${name} = \\d+$`, 'm');
    // What it leaves to PostgreSQL's default is not written down unless it differs from that.
    if (line.test(text)) return text.replace(line, `${name} = ${settings[name]}`);
    return settings[name] === DEFAULTS[name] ? text : `${name} = ${settings[name]}\n${text}`;
  }, configuration);
}
