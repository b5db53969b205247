import { defineConfig, globalIgnores } from 'eslint/config';
import tseslint from 'typescript-eslint';

const environment = {
  object: 'process',
  property: 'env',
  message: 'only src/config reads the environment: one place to validate it and to report every fault at once',
};

const anySignal = {
  object: 'AbortSignal',
  property: 'any',
  message: 'on Node 20 it may lose a timeout to the garbage collector: use within, eitherOf or abortWith (src/base/signals.ts)',
};

/** Programs that connect to a tenant's server, and what they read of their surroundings. */
const toolsInTenantsDatabases = [
  'Literal[value=/\\/(psql|pg_amcheck|pg_dump|pg_restore|pg_rewind|vacuumdb|reindexdb)$|^PG(OPTIONS|HOST|USER|PASSWORD|DATABASE)\\b/]',
  'TemplateElement[value.raw=/\\/(psql|pg_amcheck|pg_dump|pg_restore|pg_rewind|vacuumdb|reindexdb)$|^PG(OPTIONS|HOST|USER|PASSWORD|DATABASE)=/]',
  'Property[key.name=/^PG(OPTIONS|HOST|USER|PASSWORD|DATABASE)$/]',
].map((selector) => ({
  selector, message: 'what connects to a server that a tenant has a database in goes through src/engine/local/sql, which fixes the settings of its sessions',
}));

export default defineConfig(
  globalIgnores(['**/dist/', 'coverage/', 'node_modules/']),
  {
    files: ['**/*.ts'],
    extends: [tseslint.configs.strict, tseslint.configs.recommendedTypeChecked],
    languageOptions: { parserOptions: { projectService: true, tsconfigRootDir: import.meta.dirname } },
    rules: {
      eqeqeq: 'error',
      'max-lines-per-function': ['error', { max: 70, skipComments: true, skipBlankLines: true, IIFEs: true }],
      'no-restricted-properties': ['error', environment, anySignal],
      'no-restricted-globals': ['error', { name: 'fetch', message: 'give it a deadline: call it through the module of this folder that does' }],
      '@typescript-eslint/no-floating-promises': 'error',
      '@typescript-eslint/switch-exhaustiveness-check': ['error', { considerDefaultExhaustiveForUnions: true }],
      // Nest injects by the emitted metadata of constructor types; an `import type` of an injected class erases it.
      '@typescript-eslint/consistent-type-imports': 'off',
      // Nest modules, entities and guards are classes that only carry decorators.
      '@typescript-eslint/no-extraneous-class': ['error', { allowWithDecorator: true }],
      '@typescript-eslint/no-unused-vars': ['error', { argsIgnorePattern: '^_', varsIgnorePattern: '^_', caughtErrors: 'none', ignoreRestSiblings: true }],
      '@typescript-eslint/restrict-template-expressions': ['error', { allowNumber: true, allowBoolean: true }],
      // Express and pino declare a request's id as an object; it is a string here.
      '@typescript-eslint/no-base-to-string': 'off',
      // Features add their problem types to one interface, which is how TypeScript merges declarations.
      '@typescript-eslint/no-empty-object-type': ['error', { allowInterfaces: 'with-single-extends' }],
      // A step's work answers with its findings or with nothing.
      '@typescript-eslint/no-invalid-void-type': 'off',
      // Ports are asynchronous by contract; an implementation that has nothing to await keeps the signature.
      '@typescript-eslint/require-await': 'off',
    },
  },
  { files: ['src/config/**'], rules: { 'no-restricted-properties': ['error', anySignal] } },
  {
    files: ['src/engine/**/*.ts'],
    ignores: ['src/engine/local/sql/**', 'src/engine/local/metadata/**', 'src/engine/local/gateway/pooler/pooler-process.ts'],
    rules: { 'no-restricted-syntax': ['error', ...toolsInTenantsDatabases] },
  },
  {
    // What is generated is as its generator writes it.
    files: ['src/**/*.ts', 'migrations/**/*.ts', 'scripts/**/*.mjs', 'clients/**/*.{ts,mjs}'],
    ignores: ['clients/typescript/src/api-types.ts'],
    rules: { 'max-len': ['error', { code: 140, ignoreUrls: true }] },
  },
  {
    files: ['test/**', '*.config.ts'],
    rules: {
      'max-lines-per-function': 'off',
      'no-restricted-globals': 'off',
      'no-restricted-properties': ['error', anySignal],
      '@typescript-eslint/no-non-null-assertion': 'off',
      // A test reads answers as they come; a wrong shape fails it.
      '@typescript-eslint/no-unsafe-argument': 'off',
      '@typescript-eslint/no-unsafe-assignment': 'off',
      '@typescript-eslint/no-unsafe-call': 'off',
      '@typescript-eslint/no-unsafe-member-access': 'off',
      '@typescript-eslint/no-unsafe-return': 'off',
      '@typescript-eslint/no-unnecessary-type-assertion': 'off',
    },
  },
  {
    files: ['**/*.js', '**/*.mjs', '**/*.cjs'],
    extends: [tseslint.configs.strict, tseslint.configs.disableTypeChecked],
    rules: { eqeqeq: 'error' },
  },
  { files: ['**/*.cjs'], rules: { '@typescript-eslint/no-require-imports': 'off' } },
);
