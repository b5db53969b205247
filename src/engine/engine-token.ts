/** Injects the engine that was chosen for this process. */
export const ENGINE = Symbol('ENGINE');
