/** A part of a list: after which id it begins, and how long it may be. */
export interface Slice {
  readonly before?: string | undefined;
  readonly limit: number;
}
