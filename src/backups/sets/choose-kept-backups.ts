/** As what a backup is kept: one a day, one a week, one a month. */
export const KEPT_AS = ['daily', 'weekly', 'monthly'] as const;
export type KeptAs = (typeof KEPT_AS)[number];

/** How many of each are kept (`design.md`, part 1): 14 in all, the oldest of them at least 90 days old. */
export const KEPT: Readonly<Record<KeptAs, number>> = { daily: 7, weekly: 4, monthly: 3 };

export interface DatedBackup {
  readonly id: string;
  readonly startedAt: Date;
  readonly proved: boolean;
}

export interface Retention {
  /** Backups that stay, and as what; null for one that stays for another reason. */
  readonly keep: ReadonlyMap<string, KeptAs | null>;
  readonly expire: readonly string[];
}

const DAY_MS = 86_400_000;
const WEEK_DAYS = 7;
/** Four whole weeks, so that every monthly backup has been a weekly one before, and was not expired in between. */
const MONTH_DAYS = 28;

/**
 * Chooses which backups stay. The slots are disjoint: the newest of each of the last seven days that have one; of those
 * before, the first of each of the last four weeks; of those before, the first of each of the last three months of four
 * weeks. Chosen again each day from what was kept the day before, the choice is the same as if nothing had been expired.
 *
 * Beside the slots all of today's stay, and the newest that was proved: it is the last one that is known to restore. So do
 * those of days to come, which a clock that was ahead has left: they take no other one's place, so that a clock that goes
 * back never expires what stayed before, and no clock expires more by being ahead than the slots do anyway.
 */
export function chooseKeptBackups(backups: readonly DatedBackup[], today: Date): Retention {
  const newestFirst = [...backups].sort((a, b) => b.startedAt.getTime() - a.startedAt.getTime() || b.id.localeCompare(a.id));
  const past = newestFirst.filter(({ startedAt }) => dayOf(startedAt) <= dayOf(today));
  const days = firstOfEach(past, ({ startedAt }) => dayOf(startedAt));
  const daily = days.slice(0, KEPT.daily);
  const weekly = oldestOfEach(days, WEEK_DAYS).filter((backup) => !daily.includes(backup)).slice(0, KEPT.weekly);
  const monthly = oldestOfEach(days, MONTH_DAYS).filter((backup) => !daily.includes(backup) && !weekly.includes(backup))
    .slice(0, KEPT.monthly);

  const keep = new Map<string, KeptAs | null>();
  for (const backup of newestFirst) if (dayOf(backup.startedAt) >= dayOf(today)) keep.set(backup.id, null);
  const proved = past.find((backup) => backup.proved);
  if (proved) keep.set(proved.id, null);
  for (const [slot, chosen] of Object.entries({ daily, weekly, monthly }) as [KeptAs, readonly DatedBackup[]][]) {
    for (const { id } of chosen) keep.set(id, slot);
  }
  return { keep, expire: newestFirst.filter(({ id }) => !keep.has(id)).map(({ id }) => id) };
}

const dayOf = (time: Date): number => Math.floor(time.getTime() / DAY_MS);

/** The first of each group, in the order given. */
function firstOfEach<Item>(items: readonly Item[], groupOf: (item: Item) => number): Item[] {
  return [...new Map([...items].reverse().map((item) => [groupOf(item), item])).values()].reverse();
}

/** The oldest of each period of so many days, the newest period first. */
function oldestOfEach(newestFirst: readonly DatedBackup[], days: number): DatedBackup[] {
  return [...new Map(newestFirst.map((backup) => [Math.floor(dayOf(backup.startedAt) / days), backup])).values()];
}
