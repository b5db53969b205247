import { scrubSecrets } from '../telemetry/scrub-secrets.js';

/** Where an address of a database, or a list of its parameters, begins to be nobody's business; a password may hold any character. */
const ADDRESS = /(postgres(?:ql)?:\/\/|\bpassword\s*=).*/gis;

/** Takes out of a complaint about the command line what somebody may have typed in the wrong place. */
export function hideSecrets(message: string): string {
  return scrubSecrets(message.replace(ADDRESS, (_all, beginning: string) => `${beginning}[hidden]\n`)).replace(/\n+$/, '\n');
}

/** Words of the command line after which an operating system's list of processes should not show what was typed. */
const IS_SECRET = /^--?api-key|fh_[a-z]+_|:\/\/[^/]*@|:\/\/.*password|password=/is;

/** Takes the command line out of the list of processes if it holds a secret; it was seen there for a moment. */
export function hideArguments(words: readonly string[]): void {
  // Writing the title overwrites the memory that /proc/<pid>/cmdline shows.
  if (words.some((word) => IS_SECRET.test(word))) process.title = 'freehold';
}
