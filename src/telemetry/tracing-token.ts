/** Injects what traces this process. */
export const TRACING = Symbol('TRACING');
