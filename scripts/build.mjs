#!/usr/bin/env node
/** `npm run build`: compiles if the sources have changed since the last time. */
import { ensureBuild } from './setup/build.mjs';
import { SetupError } from './setup/run.mjs';

try {
  ensureBuild();
} catch (error) {
  if (!(error instanceof SetupError)) throw error;
  process.stderr.write(`${error.message}\n`);
  process.exitCode = 1;
}
