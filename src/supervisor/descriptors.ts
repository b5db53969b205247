import { closeSync, readdirSync, readFileSync } from 'node:fs';

const CLOSE_ON_EXEC = 0o2000000;

/**
 * Closes what this process inherited beyond standard input, output and error.
 *
 * Instances outlive the control plane; a descriptor passed on to them would keep a caller's pipe open for as long as
 * they run. Node marks its own descriptors to be closed on exec, so those without the mark came from outside.
 */
export function closeInheritedDescriptors(): void {
  for (const descriptor of readdirSync('/proc/self/fd').map(Number)) {
    if (descriptor > 2 && isInherited(descriptor)) closeSync(descriptor);
  }
}

function isInherited(descriptor: number): boolean {
  try {
    const flags = /^flags:\s*(\d+)/m.exec(readFileSync(`/proc/self/fdinfo/${descriptor}`, 'utf8'))?.[1];
    return flags !== undefined && (parseInt(flags, 8) & CLOSE_ON_EXEC) === 0;
  } catch {
    // The list was read through a descriptor of its own, which is gone by now.
    return false;
  }
}
