/**
 * The layers of Freehold, one direction, as rules.
 *
 *     processes (what opens and composes) → interfaces → features → changes → operations → access → ground
 *     interfaces: pages and the controllers of features; http is what all of them are made of
 *     ground: config, problems, metadata, telemetry, secrets, redis
 *     features → engine → nothing; in the local engine: machine, fleet, sql, instances, gateway, backups, metadata
 *     cli, supervisor: the command and the processes that it keeps; they speak HTTP to the rest
 *     base: small functions that know nothing, for all of them
 *
 * Features may use those before them in FEATURES and no later one; what they need of a later one they ask the kernel
 * for by kind of operation.
 */
const { readdirSync } = require('node:fs');
const { join } = require('node:path');

const FEATURES = [
  'notifications', 'customers', 'users', 'fleet', 'databases', 'health', 'backups', 'relocation', 'maintenance', 'reconciliation', 'uptime',
];
const GROUND = ['config', 'problems', 'metadata', 'telemetry', 'secrets', 'redis'];
/** What runs by itself and sees the control plane from outside. */
const OUTSIDE = ['cli', 'supervisor'];

/** What the command and its supervisor share with the local engine: accounts, processes, files, and where they are. */
const SHARED_WITH_OUTSIDE = 'engine/local/(machine/(accounts|processes|files)|fleet/(fleet|instance)-layout)\\.ts$';

/** The rooms of the local engine, and within its instances; at its top are what opens, prepares, surveys, shuts down and purges a fleet. */
const LOCAL_ROOMS = ['machine', 'fleet', 'sql', 'instances', 'gateway', 'backups', 'metadata'];
const INSTANCE_ROOMS = ['files', 'watch', 'verbs'];

const LAYERS = ['base', ...GROUND, 'access', 'operations', 'changes', 'engine', 'http', ...FEATURES, ...OUTSIDE, 'processes'];
const sources = readdirSync(join(__dirname, 'src'), { recursive: true }).filter((path) => path.endsWith('.ts'));
const present = [...new Set(sources.filter((path) => path.includes('/')).map((path) => path.split('/')[0]))];
const LOCAL = 'engine/local/';
const presentRooms = [...new Set(sources.filter((path) => path.startsWith(LOCAL) && path.slice(LOCAL.length).includes('/')).map((path) => path.slice(LOCAL.length).split('/')[0]))];
const differing = (one, other) => [...one.filter((name) => !other.includes(name)), ...other.filter((name) => !one.includes(name))];
const strangers = [...differing(present, LAYERS), ...differing(presentRooms, LOCAL_ROOMS).map((room) => `${LOCAL}${room}`)];
if (strangers.length > 0) throw new Error(`src and the layers of .dependency-cruiser.cjs differ in ${strangers.join(', ')}: give each folder its layer, and name none that is not there`);

const folders = (names, below = '') => `^src/${below}(${names.join('|')})/`;

/** Each of these folders may know those before it and no later one. */
const inOrder = (names, { rule, below = '', hint }) => names.slice(0, -1).map((name, index) => ({
  name: `${rule}-${name}`,
  comment: `${name} may not know what comes after it: ${names.slice(index + 1).join(', ')}; ${hint}`,
  severity: 'error',
  from: { path: folders([name], below) },
  to: { path: folders(names.slice(index + 1), below) },
}));

const featureOrder = inOrder(FEATURES, { rule: 'feature-order', hint: 'request their kind of operation through the kernel' });
const localOrder = [
  ...inOrder(LOCAL_ROOMS, { rule: 'local-engine-order', below: LOCAL, hint: 'move what both use to the earlier one, or pass a value' }),
  ...inOrder(INSTANCE_ROOMS, { rule: 'instances-order', below: `${LOCAL}instances/`, hint: 'what verbs do is built on files and on what is seen' }),
  {
    name: 'local-engine-order-top',
    comment: 'what opens, prepares and surveys a fleet uses the rooms, and no room knows it',
    severity: 'error',
    from: { path: folders(LOCAL_ROOMS, LOCAL) },
    to: { path: `^src/${LOCAL}[^/]+\\.ts$` },
  },
];

module.exports = {
  forbidden: [
    { name: 'no-cycles', comment: 'a cycle means that two files are one, or that a third is missing', severity: 'error', from: {}, to: { circular: true } },
    {
      name: 'base-knows-nothing',
      comment: 'everybody uses it, the engine too',
      severity: 'error',
      from: { path: '^src/base/' },
      to: { pathNot: '^((node:)?(events|timers/promises)$|src/base/)' },
    },
    {
      name: 'ground-knows-nothing-above',
      severity: 'error',
      from: { path: folders(GROUND) },
      to: { path: folders(['access', 'operations', 'changes', 'engine', 'http', ...FEATURES, ...OUTSIDE, 'processes']) },
    },
    {
      name: 'access-knows-the-ground',
      severity: 'error',
      from: { path: folders(['access']) },
      to: { path: folders(['operations', 'changes', 'engine', 'http', ...FEATURES, ...OUTSIDE, 'processes']) },
    },
    {
      name: 'operations-know-access-and-the-ground',
      comment: 'the kernel runs any long change and so knows no feature and no engine',
      severity: 'error',
      from: { path: folders(['operations']) },
      to: { path: folders(['changes', 'engine', 'http', ...FEATURES, ...OUTSIDE, 'processes']) },
    },
    {
      name: 'changes-know-operations-and-access',
      comment: 'the one door for changes knows no HTTP, no engine and no feature',
      severity: 'error',
      from: { path: folders(['changes']) },
      to: { path: folders(['engine', 'http', ...FEATURES, ...OUTSIDE, 'processes']) },
    },
    {
      name: 'http-knows-no-feature',
      comment: 'features declare their routes with what is here',
      severity: 'error',
      from: { path: folders(['http']) },
      to: { path: folders([...FEATURES, ...OUTSIDE, 'processes']), pathNot: '^src/engine/errors\\.ts$' },
    },
    {
      name: 'engine-knows-nobody',
      comment: 'the engine is plain TypeScript: it may be given the vault and the verifiers, and the sites as their setting describes them',
      severity: 'error',
      from: { path: '^src/engine/' },
      to: { path: '^src/', pathNot: '^src/(base/|engine/|secrets/|config/backup-sites\\.ts$)' },
    },
    {
      name: 'engine-without-frameworks',
      severity: 'error',
      from: { path: '^src/engine/' },
      to: { path: 'node_modules/(@nestjs|typeorm|express|bullmq|ioredis)/' },
    },
    {
      name: 'features-are-composed-by-others',
      severity: 'error',
      from: { path: folders(FEATURES) },
      to: { path: folders([...OUTSIDE, 'processes']) },
    },
    {
      name: 'http-only-in-controllers-and-schemas',
      comment: 'requests, services and operations are called by whatever asks, and know no HTTP',
      severity: 'error',
      from: { path: folders(FEATURES), pathNot: '\\.(controller|schemas|module)\\.ts$' },
      to: { path: '^src/http/' },
    },
    ...featureOrder,
    ...localOrder,
    {
      name: 'engines-only-where-chosen',
      comment: 'everybody else talks to the ports; for the command and its supervisor see cli-is-a-client',
      severity: 'error',
      from: { pathNot: `^(src/engine/engine\\.ts$|src/engine/local/|src/(${OUTSIDE.join('|')})/|test/)` },
      to: { path: '^src/engine/local/' },
    },
    {
      name: 'cli-is-a-client',
      comment: 'the CLI speaks HTTP; it shares only the configuration, the start and stop of the embedded fleet, and what its machine is like',
      severity: 'error',
      from: { path: folders(OUTSIDE) },
      to: { path: '^src/', pathNot: `^src/(base/|cli/|supervisor/|config/|secrets/|telemetry/scrub-secrets\\.ts$|engine/(engine|errors|ports)\\.ts$|${SHARED_WITH_OUTSIDE})` },
    },
    {
      name: 'client-stands-alone',
      comment: 'it is published as a package of its own',
      severity: 'error',
      from: { path: '^clients/[a-z]+/src/' },
      to: { pathNot: '^(clients/|(node:)?(crypto|events|https?|timers/promises)$)' },
    },
    {
      name: 'client-is-for-the-cli',
      severity: 'error',
      from: { path: '^src/', pathNot: '^src/(cli|supervisor)/' },
      to: { path: '^clients/' },
    },
    {
      name: 'machine-only-through-the-host-shell',
      comment: 'one seam to the machine: the host shell of the local engine; the command and its supervisor are the other programs that may touch it, mails without a mail server are files, and so are secrets that settings name',
      severity: 'error',
      from: { path: '^(src|migrations)/', pathNot: '^src/(engine/local/machine/|cli/|supervisor/|notifications/mailbox\\.ts$|config/secret-file\\.ts$)' },
      to: { path: '^(node:)?(child_process|fs|fs/promises)$' },
    },
    {
      name: 'tenants-databases-only-through-one-module',
      comment: 'what a tenant set or made there must not change what runs, nor with whose rights: src/engine/local/sql opens each session; a console of PgBouncer is no database',
      severity: 'error',
      from: { path: '^src/engine/', pathNot: '^src/engine/local/(sql/|gateway/pooler/pooler-console\\.ts$)' },
      to: { path: 'node_modules/pg/', dependencyTypesNot: ['type-only'] },
    },
    {
      name: 'queues-only-in-operations',
      severity: 'error',
      from: { path: '^(src|migrations)/', pathNot: '^src/operations/' },
      to: { path: 'node_modules/bullmq/' },
    },
    {
      name: 'redis-only-where-it-is-opened',
      comment: 'queues, and what processes remember together and may lose (sessions, guesses), which asks src/redis/shared-memory',
      severity: 'error',
      from: { path: '^(src|migrations)/', pathNot: '^src/(operations|redis)/' },
      to: { path: 'node_modules/ioredis/', dependencyTypesNot: ['type-only'] },
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
