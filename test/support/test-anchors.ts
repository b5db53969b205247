import { randomBytes } from 'node:crypto';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/** Where a test's hashes of the audit are published: the fleet of most tests has no directory. Made by the first that is. */
export const drawAnchorPath = (): string => join(tmpdir(), `freehold-test-anchors-${randomBytes(6).toString('hex')}.jsonl`);
