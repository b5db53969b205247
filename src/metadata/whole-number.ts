import type { ValueTransformer } from 'typeorm';

/** For columns of type bigint, such as sizes, whose values a number holds exactly; the driver answers with text. */
export const WHOLE_NUMBER: ValueTransformer = {
  to: (value: number | null) => value,
  from: (value: string | null) => (value === null ? null : Number(value)),
};
