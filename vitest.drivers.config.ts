import { defineConfig } from 'vitest/config';

/** Drivers of other languages, each a program of its own, as far as this machine has them; it prints a table. */
export default defineConfig({
  oxc: { decorator: { legacy: true, emitDecoratorMetadata: true } },
  test: {
    include: ['test/drivers/*.matrix.ts'],
    setupFiles: ['test/support/setup.ts'],
    testTimeout: 600_000,
    hookTimeout: 400_000,
    fileParallelism: false,
    disableConsoleIntercept: true,
  },
});
