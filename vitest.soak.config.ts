import { defineConfig } from 'vitest/config';

/** What takes hours: long series and millions of chances. Names of files say which: `npm run soak -- simulation`. */
export default defineConfig({
  oxc: { decorator: { legacy: true, emitDecoratorMetadata: true } },
  test: {
    include: ['test/**/*.soak.ts'],
    setupFiles: ['test/support/setup.ts'],
    testTimeout: 24 * 3_600_000,
    hookTimeout: 300_000,
    fileParallelism: false,
    disableConsoleIntercept: true,
  },
});
