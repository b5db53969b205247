/** Tells how a start or a stop is getting on. */
export interface Progress {
  /** A part of the work begins or is done. */
  step(text: string): void;
  /** Of interest to who wants to know more. */
  detail(text: string): void;
  /** Something went wrong that is dealt with. */
  incident(text: string): void;
}

/** Progress as lines on standard error, where it does not mix with what is printed for programs. */
export function reportOnStderr(): Progress {
  const write = (text: string): void => void process.stderr.write(`freehold: ${text}\n`);
  return { step: write, detail: () => undefined, incident: write };
}
