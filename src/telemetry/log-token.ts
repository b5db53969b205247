/** Injects the log of this process. */
export const LOG = Symbol('LOG');
