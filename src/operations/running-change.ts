/**
 * A condition on `operations`: that it is the running change of a subject, of which there is one at a time (the unique index
 * `operations_one_exclusive`).
 *
 * @param operation the alias of `operations`
 * @param subject an SQL expression, such as `d.id`
 */
export const isRunningChange = (operation: string, subject: string): string =>
  `${operation}.subject_id = ${subject} AND ${operation}.exclusive AND ${operation}.state IN ('pending', 'running')`;

/** An SQL condition: that the subject has a running change. */
export const hasRunningChange = (subject: string): string => `EXISTS (SELECT FROM operations o WHERE ${isRunningChange('o', subject)})`;

/** An SQL expression: what a subject's running change waits for at its step, as people are told; null if it does not wait. */
export const waitOfRunningChange = (subject: string): string =>
  `(SELECT s.detail ->> 'waitingFor' FROM operations o JOIN operation_steps s ON s.operation_id = o.id AND s.name = o.step
     WHERE ${isRunningChange('o', subject)})`;

/** An SQL expression: the kind and the step of a subject's running change, as a {@link RunningChange}; null without one. */
export const runningChange = (subject: string): string =>
  `(SELECT json_build_object('kind', o.kind, 'step', o.step) FROM operations o WHERE ${isRunningChange('o', subject)})`;

export interface RunningChange {
  readonly kind: string;
  readonly step: string;
}
