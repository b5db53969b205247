import { capture } from './run.mjs';

/** Like a comparator of sort: below zero if the first version, such as `1.22`, is older. */
export function compare(one, other) {
  const [left, right] = [one, other].map((version) => version.split('.').map(Number));
  for (let at = 0; at < Math.max(left.length, right.length); at += 1) {
    const difference = (left[at] ?? 0) - (right[at] ?? 0);
    if (difference !== 0) return difference;
  }
  return 0;
}

/** The first number with a dot in a text; undefined if there is none. */
export function readVersion(text) {
  return /\d+(?:\.\d+)+/.exec(text)?.[0];
}

/**
 * The version, without what a distribution adds to it, of a package that apt would install; undefined if there is none.
 *
 * @param options which apt
 */
export function candidateOf(name, options = []) {
  const { code, output } = capture('apt-cache', [...options, 'policy', name]);
  const candidate = code === 0 ? /^ +Candidate: (?:\d+:)?(.*)$/m.exec(output)?.[1] : undefined;
  return candidate && readVersion(candidate);
}
