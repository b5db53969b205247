import { defineConfig } from 'vitest/config';

/** Benchmarks: one at a time, each printing its own tables. They assert nothing about absolute times. */
export default defineConfig({
  oxc: { decorator: { legacy: true, emitDecoratorMetadata: true } },
  test: {
    include: ['test/bench/*.bench.ts'],
    setupFiles: ['test/support/setup.ts'],
    testTimeout: 1_800_000,
    hookTimeout: 300_000,
    fileParallelism: false,
    disableConsoleIntercept: true,
  },
});
