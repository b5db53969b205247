/**
 * The layers of Freehold, one direction, as rules.
 *
 *     interfaces (HTTP controllers, console, CLI) → features → operations → access → ground (config, problems, metadata)
 *     features → engine → nothing
 *     base: small functions that know nothing, for all of them
 *
 * Features may use those before them in FEATURES and no later one; what they need of a later one they ask the kernel
 * for by kind of operation.
 */
const FEATURES = ['customers', 'fleet', 'databases', 'health', 'backups', 'relocation', 'maintenance', 'uptime', 'recovery'];
const GROUND = ['config', 'problems', 'metadata'];
/** What composes the layers and so may see all of them. */
const COMPOSITION = '^src/(main-[a-z]+|app/[^/]+|[a-z-]+\\.module)\\.ts$';

const folders = (names) => `^src/(${names.join('|')})/`;

const featureOrder = FEATURES.slice(0, -1).map((feature, index) => ({
  name: `feature-order-${feature}`,
  comment: `${feature} may not know the features after it: ${FEATURES.slice(index + 1).join(', ')}; request their kind of operation through the kernel`,
  severity: 'error',
  from: { path: folders([feature]) },
  to: { path: folders(FEATURES.slice(index + 1)) },
}));

module.exports = {
  forbidden: [
    { name: 'no-cycles', comment: 'a cycle means that two files are one, or that a third is missing', severity: 'error', from: {}, to: { circular: true } },
    {
      name: 'base-knows-nothing',
      comment: 'everybody uses it, the engine too',
      severity: 'error',
      from: { path: '^src/base/' },
      to: { pathNot: '^((node:)?timers/promises$|src/base/)' },
    },
    {
      name: 'ground-knows-nothing-above',
      severity: 'error',
      from: { path: folders(GROUND) },
      to: { path: folders(['access', 'operations', 'engine', ...FEATURES, 'console', 'cli']) },
    },
    {
      name: 'access-knows-the-ground',
      severity: 'error',
      from: { path: folders(['access']) },
      to: { path: folders(['operations', 'engine', ...FEATURES, 'console', 'cli']) },
    },
    {
      name: 'operations-know-access-and-the-ground',
      comment: 'the kernel runs any long change and so knows no feature and no engine',
      severity: 'error',
      from: { path: folders(['operations']) },
      to: { path: folders(['engine', ...FEATURES, 'console', 'cli']) },
    },
    {
      name: 'engine-knows-nobody',
      comment: 'the engine is plain TypeScript: the vault of config is the one thing of ours that it may be given',
      severity: 'error',
      from: { path: '^src/engine/' },
      to: { path: '^src/', pathNot: '^src/(base/|engine/|config/vault\\.ts$)' },
    },
    {
      name: 'engine-without-frameworks',
      severity: 'error',
      from: { path: '^src/engine/' },
      to: { path: 'node_modules/(@nestjs|typeorm|express|bullmq|ioredis)/' },
    },
    {
      name: 'features-know-no-interface',
      severity: 'error',
      from: { path: folders(FEATURES) },
      to: { path: folders(['console', 'cli']) },
    },
    ...featureOrder,
    {
      name: 'engines-only-where-chosen',
      comment: 'everybody else talks to the ports; the CLI reaches the fleet through src/engine/engine.ts too',
      severity: 'error',
      from: { pathNot: '^(src/engine/engine\\.ts$|src/engine/(local|cnpg)/|test/)' },
      to: { path: '^src/engine/(local|cnpg)/' },
    },
    {
      name: 'one-engine-does-not-know-another',
      severity: 'error',
      from: { path: '^src/engine/(local|cnpg)/' },
      to: { path: '^src/engine/(local|cnpg)/', pathNot: '^src/engine/$1/' },
    },
    {
      name: 'cli-is-a-client',
      comment: 'the CLI speaks HTTP; it shares only the configuration and the start and stop of the embedded fleet',
      severity: 'error',
      from: { path: '^src/cli/' },
      to: { path: '^src/', pathNot: '^src/(base/|cli/|config/|engine/(engine|errors|ports)\\.ts$)' },
    },
    {
      name: 'client-stands-alone',
      comment: 'it is published as a package of its own',
      severity: 'error',
      from: { path: '^clients/[a-z]+/src/' },
      to: { pathNot: '^(clients/|(node:)?(crypto|https?|timers/promises)$)' },
    },
    {
      name: 'client-is-for-the-cli',
      severity: 'error',
      from: { path: '^src/', pathNot: '^src/cli/' },
      to: { path: '^clients/' },
    },
    {
      name: 'no-module-knows-the-processes',
      severity: 'error',
      from: { path: '^src/', pathNot: COMPOSITION },
      to: { path: '^src/main-[a-z]+\\.ts$' },
    },
    {
      name: 'machine-only-through-the-host-shell',
      comment: 'one seam to the machine: the host shell of the local engine; the CLI is the other program that may touch it',
      severity: 'error',
      from: { path: '^(src|migrations)/', pathNot: '^src/(engine/local/host-shell(/|[a-z-]*\\.ts$)|cli/)' },
      to: { path: '^(node:)?(child_process|fs|fs/promises)$' },
    },
    {
      name: 'tenants-databases-only-through-one-module',
      comment: 'what a tenant set or made there must not change what runs, nor with whose rights: src/engine/local/sql opens each session; a console of PgBouncer is no database',
      severity: 'error',
      from: { path: '^src/engine/', pathNot: '^src/engine/local/(sql/|gateway/admin-console\\.ts$|gateway/pooler/pooler-console\\.ts$)' },
      to: { path: 'node_modules/pg/', dependencyTypesNot: ['type-only'] },
    },
    {
      name: 'queues-only-in-operations',
      severity: 'error',
      from: { path: '^(src|migrations)/', pathNot: '^src/operations/' },
      to: { path: 'node_modules/(bullmq|ioredis|@nestjs/bullmq)/' },
    },
    {
      name: 'no-barrels',
      comment: 'name the file; a barrel hides what is used and invites cycles',
      severity: 'error',
      from: {},
      to: { path: '/index\\.ts$', pathNot: 'node_modules/' },
    },
    {
      name: 'no-test-code-in-the-product',
      severity: 'error',
      from: { path: '^(src|migrations)/' },
      to: { path: '^test/' },
    },
    { name: 'no-unresolvable', severity: 'error', from: {}, to: { couldNotResolve: true } },
    {
      name: 'no-development-packages-in-the-product',
      severity: 'error',
      from: { path: '^(src|migrations)/' },
      to: { dependencyTypes: ['npm-dev'], dependencyTypesNot: ['npm', 'type-only'], pathNot: 'node_modules/@types/' },
    },
  ],
  options: {
    doNotFollow: { path: 'node_modules' },
    exclude: { path: '^dist/' },
    tsPreCompilationDeps: true,
    tsConfig: { fileName: 'tsconfig.json' },
    enhancedResolveOptions: { extensions: ['.ts', '.js', '.mjs', '.json'], exportsFields: ['exports'], conditionNames: ['import', 'require', 'node', 'default', 'types'] },
  },
};
