import type { Reach } from '../metadata/reach.js';

/** What an action is taken on. */
export interface Subject<Found extends object> {
  /** As it was asked for; null for what is yet to be made. */
  readonly id: string | null;
  /** Answers nothing for a subject that is missing or out of reach, or throws an error of its own that says so. */
  readonly find: (reach: Reach) => Promise<Found | undefined>;
  /**
   * The customer whose thing it is. Absent for what is no customer's, such as a host: permission is then asked for before the
   * subject is looked for, so that nobody else learns whether there is one.
   */
  readonly ownerOf?: (found: Found) => string | undefined;
}

/** Of an action that makes something that nothing stands above, such as a customer. */
export const NO_SUBJECT: Subject<object> = { id: null, find: () => Promise.resolve({}) };
