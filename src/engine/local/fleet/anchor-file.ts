import { join } from 'node:path';

import { LineFile } from '../machine/line-file.js';
import { controlDirectory } from './fleet-layout.js';

/** Where the hashes of the audit are published: outside the metadata database, in the data directory. */
export const openAnchorFile = (dataDir: string): LineFile => new LineFile(join(controlDirectory(dataDir), 'audit-anchors.jsonl'));
