#!/usr/bin/env node
/**
 * Makes a clean clone ready: system packages, node_modules and the build, each only if it is missing or out of date.
 *
 * It runs before `node_modules` exists, so neither it nor what it imports may depend on a package.
 */
import { existsSync } from 'node:fs';
import { pathToFileURL } from 'node:url';
import { ensureBuild } from './setup/build.mjs';
import { ensureNodeModules } from './setup/node-modules.mjs';
import { ensurePackages } from './setup/packages.mjs';
import { checkNodeVersion, SetupError } from './setup/run.mjs';

/** @throws SetupError with what to do about it. */
export function setUp() {
  checkNodeVersion();
  ensurePackages();
  ensureNodeModules();
  ensureBuild();
}

/** Runs the set-up and answers whether it worked; a failure is explained on standard error. */
export function trySetUp() {
  try {
    setUp();
    return true;
  } catch (error) {
    if (!(error instanceof SetupError)) throw error;
    process.stderr.write(`set-up: ${error.message}\n`);
    return false;
  }
}

const startedDirectly = existsSync(process.argv[1] ?? '') && import.meta.url === pathToFileURL(process.argv[1]).href;
if (startedDirectly && !trySetUp()) process.exitCode = 1;
