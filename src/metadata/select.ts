import { type Reach, confineTo } from './reach.js';

/** A value of a condition. */
export type SelectParameter = string | number;

/** A statement that only reads, and its parameters. */
export interface Select {
  readonly statement: string;
  readonly parameters: readonly SelectParameter[];
}

/**
 * Writes a statement with a condition for each value that is given, and none for those that are not: with one condition
 * for all cases the planner could use no index, or would have to plan it anew each time.
 *
 * @param statement up to its WHERE
 * @param conditions such as `{ 'd.id = ?': id }`; each `?` in one stands for its value
 * @param column the column that holds the customer's id, by which the reach is kept
 * @param tail what follows the conditions, with `?` for the limit
 */
export function writeSelect(
  statement: string, conditions: Readonly<Record<string, SelectParameter | undefined>>, reach: Reach, column: string, tail: string,
  limit: number,
): Select {
  const given = Object.entries(conditions).flatMap(([condition, value]) => (value === undefined ? [] : [{ condition, value }]));
  const visible = confineTo(reach, column, given.length + 1);
  const parameters = [...given.map(({ value }) => value), ...visible.parameters, limit];
  const all = [...given.map(({ condition }, index) => condition.replaceAll('?', `$${index + 1}`)), visible.condition];
  return { statement: `${statement} WHERE ${all.join(' AND ')} ${tail.replace('?', `$${parameters.length}`)}`, parameters };
}
