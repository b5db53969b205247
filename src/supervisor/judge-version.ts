import { isOlder, type Version } from '../engine/engine.js';

/** A program that the fleet runs, and the versions of it that are known to work. */
export interface Need {
  readonly program: string;
  /** The Debian and Ubuntu package. */
  readonly package: string;
  readonly from: Version;
  /** The newest that was tried. */
  readonly upTo: Version;
}

export type Judgement = { readonly fault: string } | { readonly warning: string } | { readonly well: true };

/** Judges a program by its version; undefined if it is missing. */
export function judgeVersion(need: Need, found: { readonly path: string; readonly version: Version } | undefined): Judgement {
  const oldest = need.from.join('.');
  if (!found) return { fault: `${need.program} (${oldest} or newer)` };
  const is = `${found.path} is ${found.version.join('.')}`;
  if (isOlder(found.version, need.from)) return { fault: `${need.program} ${oldest} or newer (${is})` };
  if (isOlder(need.upTo, found.version)) return { warning: `${is}, and the newest that Freehold was tried with is ${need.upTo.join('.')}` };
  return { well: true };
}
