import { isIP } from 'node:net';

import { z } from 'zod';

import { reasonOf } from '../base/reason-of.js';
import { backupSitesSchema } from './backup-sites.js';
import { type Environment, takeOver, withoutSecrets } from './handed-over.js';

const absolutePath = z.string().startsWith('/', 'must be an absolute path');

const list = (text: string): string[] => text.split(',').map((part) => part.trim()).filter(Boolean);

function isNetwork(text: string): boolean {
  const [address = '', prefix, ...more] = text.split('/');
  const family = isIP(address);
  if (family === 0 || more.length > 0) return false;
  return prefix === undefined || (/^\d{1,3}$/.test(prefix) && Number(prefix) <= (family === 4 ? 32 : 128));
}

function isOrigin(text: string): boolean {
  return /^https?:\/\//.test(text) && URL.canParse(text) && new URL(text).origin === text;
}

/** One of which it is clear where the password ends; a part of it would be taken for a host otherwise, and be told in errors. */
const CLEAR_ADDRESS = /^[a-z]+:\/\/(?:[^@/?#]*@)?[^@]*$/s;
const UNCLEAR_ADDRESS = 'has an @ that ends no user name and password: '
  + 'in a password write % as %25, / as %2F, ? as %3F, # as %23 and @ as %40';

const keySchema = (whenMissing: string) => z.string({ error: whenMissing })
  .refine((text) => Buffer.from(text, 'base64').length === 32, 'must be exactly 32 bytes in base64');
/** Whether an address leads to this machine, where nobody listens on the way. */
const isOnThisMachine = (url: string): boolean => /^http:\/\/(localhost|127(\.\d+){3}|\[::1\])[:/]/.test(`${url}/`);

/** Also of a machine without a domain, such as operator@localhost. */
const EMAIL_LIKE = /^[^\s@]+@[^\s@]+$/;

/**
 * Every setting of the control plane's processes, read from environment variables.
 *
 * All begin with `FREEHOLD_`, but for `DATABASE_URL` and `REDIS_URL`, which carry the names that hosting platforms use.
 */
export const settingsSchema = z.object({
  DATABASE_URL: z
    .string({ error: 'is required: the metadata database, such as postgresql://user:password@host:5432/freehold' })
    .regex(/^postgres(ql)?:\/\//, 'must begin with postgresql://')
    .regex(CLEAR_ADDRESS, UNCLEAR_ADDRESS),
  REDIS_URL: z
    .string({ error: 'is required: the queues, such as redis://127.0.0.1:6379' })
    .regex(/^rediss?:\/\//, 'must begin with redis://')
    .regex(CLEAR_ADDRESS, UNCLEAR_ADDRESS),
  FREEHOLD_DATA_DIR: z.string({ error: 'is required: the directory of the embedded fleet' }).startsWith('/', 'must be an absolute path'),
  FREEHOLD_MASTER_KEY: keySchema('is required: 32 random bytes in base64, which encrypt every stored secret'),
  /** Of which other keys are made, where the master key is not the fleet's first any more; `freehold up` knows it. */
  FREEHOLD_DERIVATION_KEY: keySchema('must be 32 bytes in base64').optional(),
  /** The key that secrets are sealed under until `freehold keys rotate` has changed them; it alone gives it. */
  FREEHOLD_FORMER_MASTER_KEY: keySchema('must be 32 bytes in base64').optional(),
  FREEHOLD_ENGINE: z.enum(['local']).default('local'),
  FREEHOLD_BIND: z.string().default('127.0.0.1'),
  FREEHOLD_PORT: z.coerce.number().int().min(1).max(65_535).default(8080),
  /** The API's address as clients see it; links in documents are built from it. */
  FREEHOLD_PUBLIC_URL: z.url().optional(),
  /** Keys that must exist when the API starts, so that a caller of `freehold up` can be told them. */
  FREEHOLD_OPERATOR_KEY: z.string().min(32).optional(),
  FREEHOLD_SIGNUP_KEY: z.string().min(32).optional(),
  FREEHOLD_LOG_LEVEL: z.enum(['fatal', 'error', 'warn', 'info', 'debug', 'trace', 'silent']).default('info'),
  /** Where traces are sent by OTLP over HTTP, such as `http://127.0.0.1:4318`; none are made if it is not set. */
  FREEHOLD_OTLP_ENDPOINT: z.url({ protocol: /^https?$/, error: 'must begin with http:// or https://' }).optional(),
  /** How long a worker owns an operation without a sign of life, in milliseconds. */
  FREEHOLD_LEASE_MS: z.coerce.number().int().min(1_000).max(300_000).default(5_000),
  /** How many provisionings and deletions a worker runs at once. */
  FREEHOLD_CHANGES_AT_ONCE: z.coerce.number().int().min(1).max(64).default(4),
  /** How often the keepers of backups look at what databases and the metadata need, in milliseconds. */
  FREEHOLD_BACKUPS_EVERY_MS: z.coerce.number().int().min(200).max(86_400_000).default(2_000),
  /** How often the watcher inspects what goes wrong slowly (lag, slots, WAL, disks, long transactions), in milliseconds. */
  FREEHOLD_INSPECT_EVERY_MS: z.coerce.number().int().min(200).max(600_000).default(10_000),
  /** How far a standby may be behind, or away, before an alert tells operators, in seconds. */
  FREEHOLD_ALERT_LAG_SECONDS: z.coerce.number().min(1).default(30),
  /** How long a transaction may be open before an alert tells operators, in seconds. */
  FREEHOLD_ALERT_TRANSACTION_SECONDS: z.coerce.number().min(1).default(3_600),
  /** A download of a dump ends whose client takes less than a mebibyte in this time, in seconds. */
  FREEHOLD_DUMP_STALL_SECONDS: z.coerce.number().min(1).max(3_600).default(60),
  /** How long one may take in all, in seconds: so long nothing that was deleted is vacuumed. */
  FREEHOLD_DUMP_TOTAL_SECONDS: z.coerce.number().min(1).default(43_200),
  /** Databases that one customer may have, in all plans together. */
  FREEHOLD_DATABASES_PER_CUSTOMER: z.coerce.number().int().min(1).default(100),
  /** Requests a second that one credential, or one address without one, may make, averaged over ten seconds. */
  FREEHOLD_REQUESTS_PER_SECOND: z.coerce.number().min(50, 'may not be below 50: the contract promises that much').default(500),
  /** Certificate of the API with its chain, and its key, both PEM; without them it speaks HTTP. Files that change are taken over. */
  FREEHOLD_TLS_CERTIFICATE: absolutePath.optional(),
  FREEHOLD_TLS_KEY: absolutePath.optional(),
  /** The proxies before the API, as addresses or networks separated by commas: from them it takes who the client is. */
  FREEHOLD_TRUSTED_PROXIES: z.string().default('').transform(list)
    .refine((all) => all.every(isNetwork), 'must be addresses, or networks such as 10.0.0.0/8'),
  /** The pages of other origins that may call the API from a browser, as origins separated by commas; none by default. */
  FREEHOLD_CORS_ORIGINS: z.string().default('').transform(list)
    .refine((all) => all.every(isOrigin), 'must be origins such as https://console.example.com'),
  /** How often the audit's newest hash is published while it grows, in milliseconds. */
  FREEHOLD_AUDIT_PUBLISH_EVERY_MS: z.coerce.number().int().min(1_000).max(86_400_000).default(600_000),
  /** Where it is sent, too, as JSON by POST: a place that the administrators of the metadata database cannot change. */
  FREEHOLD_AUDIT_WEBHOOK: z.url({ protocol: /^https?$/, error: 'must begin with http:// or https://' }).optional(),
  /** How often a worker verifies the whole audit, in milliseconds. */
  FREEHOLD_AUDIT_VERIFY_EVERY_MS: z.coerce.number().int().min(1_000).max(604_800_000).default(3_600_000),
  /** Rounds of PBKDF2 with SHA-512 for people's passwords (OWASP Password Storage Cheat Sheet, 2023). */
  FREEHOLD_PASSWORD_ROUNDS: z.coerce.number().int().min(210_000, 'may not be below 210000: that many are promised').max(10_000_000)
    .default(210_000),
  /** Whether operators, who may do everything, have to sign in with a second factor. */
  FREEHOLD_OPERATOR_SECOND_FACTOR: z.enum(['required', 'optional']).default('required'),
  /** How long a session lasts that is not used, in seconds. */
  FREEHOLD_SESSION_IDLE_SECONDS: z.coerce.number().int().min(1).max(30 * 86_400).default(3_600),
  /** How long a session lasts at most, in seconds. */
  FREEHOLD_SESSION_SECONDS: z.coerce.number().int().min(1).max(365 * 86_400).default(43_200),
  /** The operator that is made as long as there is none, and the password that they sign in with once. */
  FREEHOLD_OPERATOR_EMAIL: z.string().regex(EMAIL_LIKE, 'must be an e-mail address').optional(),
  FREEHOLD_OPERATOR_PASSWORD: z.string().min(12).max(1024).optional(),
  /** A provider of OpenID Connect by which operators sign in, such as https://login.example.com/realms/staff. */
  FREEHOLD_OIDC_ISSUER: z.url({ protocol: /^https?$/, error: 'must begin with https://' })
    .refine((url) => url.startsWith('https:') || isOnThisMachine(url), 'must begin with https://').optional(),
  FREEHOLD_OIDC_CLIENT_ID: z.string().min(1).optional(),
  FREEHOLD_OIDC_CLIENT_SECRET_FILE: z.string().startsWith('/', 'must be an absolute path').optional(),
  /** The claim that tells who is an operator, and what it has to be, or to hold, if it is a list. */
  FREEHOLD_OIDC_CLAIM: z.string().min(1).default('groups'),
  FREEHOLD_OIDC_VALUE: z.string().min(1).optional(),
  /** Where mails are handed over, such as smtps://user:password@mail.example.com; files in the data directory if it is not set. */
  FREEHOLD_SMTP_URL: z.string().regex(/^smtps?:\/\/[^/?#]+/, 'must begin with smtp:// or smtps://').regex(CLEAR_ADDRESS, UNCLEAR_ADDRESS)
    .optional(),
  /** Whom mails come from. */
  FREEHOLD_MAIL_FROM: z.string().regex(/@/, 'must be an e-mail address, with a name before it or without')
    .default('Freehold <freehold@localhost>'),
  /** Regions in which no new database is placed, separated by commas. */
  FREEHOLD_CLOSED_REGIONS: z.string().default('').transform(list),
  /** Whether the fleet serves real customers: nothing is placed on a host that does not encrypt, nor started with known holes. */
  FREEHOLD_PRODUCTION: z.stringbool({ error: 'must be true or false' }).default(false),
  /** Where backups are kept, as JSON; directories of the embedded fleet if it is not set. */
  FREEHOLD_BACKUP_SITES: backupSitesSchema.optional(),
});

export type Settings = z.output<typeof settingsSchema>;

/** What this process was given: its environment, and what was handed over to it apart from that. */
let given: Environment = process.env;

/**
 * Takes the settings that are handed over on standard input, if the environment says that there are some; before anything reads
 * a setting.
 *
 * @throws SettingsError if there are none
 */
export async function takeOverSettings(): Promise<void> {
  try {
    given = await takeOver(process.env, process.stdin);
  } catch (error) {
    throw new SettingsError([reasonOf(error)]);
  }
}

/** Names each fault of a configuration, one a line; thrown so that a process can print it and exit. */
export class SettingsError extends Error {
  constructor(readonly faults: readonly string[]) {
    super(['the configuration has faults:', ...faults.map((fault) => `  ${fault}`)].join('\n'));
    this.name = 'SettingsError';
  }
}

/**
 * Reads and checks all settings.
 *
 * @throws SettingsError with every fault at once, unknown `FREEHOLD_` variables included: a misspelt setting is a fault.
 */
export function readSettings(environment: Environment = given): Settings {
  const parsed = settingsSchema.safeParse(environment);
  const faults = [...(parsed.success ? [] : listFaults(parsed.error)), ...findFaultsBetween(environment), ...findHalfProvider(environment)];
  if (!parsed.success || faults.length > 0) throw new SettingsError(faults);
  return parsed.data;
}

/** Settings of the `freehold` command; what is not given on its command line is taken from here. */
const cliSettingsSchema = z.object({
  /** The API that the thin clients talk to. */
  FREEHOLD_URL: z.url({ protocol: /^https?$/, error: 'must begin with http:// or https://' }).optional(),
  FREEHOLD_API_KEY: z.string().min(1).optional(),
  /** The name or address under which other machines reach this one; gateways listen for them and their certificates carry it. */
  FREEHOLD_PUBLIC_HOST: z.string()
    .regex(/^(\*\.)?[A-Za-z0-9]([A-Za-z0-9.:-]*[A-Za-z0-9])?$/, 'must be a host name, one that begins with *., or an IP address')
    .optional(),
  /**
   * A certificate for the public host from an authority that clients trust already, with the certificates between it and that
   * authority; `none` for the fleet's own again.
   */
  FREEHOLD_PUBLIC_CERTIFICATE: z.string().regex(/^(\/.*|none)$/, 'must be an absolute path, or none').optional(),
  FREEHOLD_PUBLIC_KEY: absolutePath.optional(),
  FREEHOLD_MASTER_KEY_FILE: absolutePath.optional(),
  /** A command that wraps and unwraps the master key, by a key that never leaves its service. */
  FREEHOLD_KMS_COMMAND: z.string().min(1).optional(),
  /** The master key that follows, for `freehold keys rotate` where the key is in the environment. */
  FREEHOLD_NEXT_MASTER_KEY: keySchema('must be 32 bytes in base64').optional(),
  /** The first of the ports of a new fleet's gateways, three for each database of a region; drawn at random if it is not set. */
  FREEHOLD_GATEWAY_PORT: z.coerce.number().int().min(1024).max(65_000).optional(),
  /** How many databases each region of a new fleet has ports for. */
  FREEHOLD_GATEWAY_DATABASES: z.coerce.number().int().min(1).max(4_000).optional(),
  /** Whether the files of new databases are encrypted where this machine can. */
  FREEHOLD_ENCRYPTION: z.enum(['on', 'off']).default('off'),
  /** Memory that the instances of one embedded host may be promised, in MiB. */
  FREEHOLD_HOST_MEMORY_MB: z.coerce.number().int().min(128).optional(),
});

/** What `freehold up` shares with the processes that it starts, and where the system says that a user's files belong. */
const sharedSettingsSchema = z.object({
  ...settingsSchema.pick({
    DATABASE_URL: true,
    REDIS_URL: true,
    FREEHOLD_MASTER_KEY: true,
    FREEHOLD_PUBLIC_URL: true,
    FREEHOLD_OPERATOR_KEY: true,
    FREEHOLD_SIGNUP_KEY: true,
    FREEHOLD_BACKUP_SITES: true,
    FREEHOLD_TLS_CERTIFICATE: true,
    FREEHOLD_TLS_KEY: true,
    FREEHOLD_PRODUCTION: true,
    FREEHOLD_OPERATOR_EMAIL: true,
    FREEHOLD_OPERATOR_PASSWORD: true,
  }).partial().shape,
  FREEHOLD_DATA_DIR: z.string().min(1).optional(),
  FREEHOLD_BIND: z.string().min(1).optional(),
  FREEHOLD_PORT: z.coerce.number().int().min(1).max(65_535).optional(),
  PATH: z.string().default(''),
  /** OpenSSL's: the authorities that this machine trusts. */
  SSL_CERT_FILE: z.string().optional(),
  HOME: z.string().optional(),
  XDG_DATA_HOME: z.string().optional(),
  XDG_CONFIG_HOME: z.string().optional(),
});

export type CliSettings = z.output<typeof cliSettingsSchema> & z.output<typeof sharedSettingsSchema>;

/** Settings that only the `freehold` command reads. */
export const CLI_SETTINGS: ReadonlySet<string> = new Set(Object.keys(cliSettingsSchema.shape));

/** @throws SettingsError with every fault at once, misspelt `FREEHOLD_` variables included. */
export function readCliSettings(environment: Environment = given): CliSettings {
  const parsed = z.object({ ...cliSettingsSchema.shape, ...sharedSettingsSchema.shape }).safeParse(environment);
  const faults = [...(parsed.success ? [] : listFaults(parsed.error)), ...findFaultsBetween(environment)];
  if (!parsed.success || faults.length > 0) throw new SettingsError(faults);
  return parsed.data;
}

/**
 * What a process of ours that the command starts is to know: what the caller gave, without what npm adds, and the given settings. It
 * holds secrets, and is {@link handOver handed over}.
 */
export function ownEnvironment(settings: Environment): Environment {
  return Object.fromEntries(Object.entries({ ...given, ...settings }).filter(([name]) => !/^(npm_|FREEHOLD_(API_KEY|URL)$)/.test(name)));
}

/** The environment of any other program that the command starts. */
export const childEnvironment = (settings: Environment = {}): Record<string, string> => withoutSecrets(ownEnvironment(settings));

/** What no setting shows by itself. */
const findFaultsBetween = (environment: Environment): string[] => [
  ...findSharedKey(environment), ...findHalfTls(environment), ...findUnknown(environment),
];

function listFaults(error: z.ZodError): string[] {
  return error.issues.map((issue) => `${issue.path.join('.')} ${issue.message}`);
}

/** Who has a key is told by the key alone: two credentials with one key would be one of them, whichever is found first. */
function findSharedKey({ FREEHOLD_OPERATOR_KEY: operator, FREEHOLD_SIGNUP_KEY: signup }: Environment): string[] {
  return operator !== undefined && operator === signup
    ? ['FREEHOLD_SIGNUP_KEY must be another key than FREEHOLD_OPERATOR_KEY: with the same one the signup flow would be an operator']
    : [];
}

/** A certificate is no use without its key. */
function findHalfTls({ FREEHOLD_TLS_CERTIFICATE: certificate, FREEHOLD_TLS_KEY: key }: Environment): string[] {
  const isHalf = (certificate === undefined) !== (key === undefined);
  return isHalf ? ['FREEHOLD_TLS_CERTIFICATE and FREEHOLD_TLS_KEY belong together: set both'] : [];
}

const PROVIDER_SETTINGS = [
  'FREEHOLD_OIDC_ISSUER', 'FREEHOLD_OIDC_CLIENT_ID', 'FREEHOLD_OIDC_CLIENT_SECRET_FILE', 'FREEHOLD_OIDC_VALUE',
] as const;

/** A provider is named whole or not at all. */
function findHalfProvider(environment: Environment): string[] {
  const missing = PROVIDER_SETTINGS.filter((name) => environment[name] === undefined);
  if (missing.length === PROVIDER_SETTINGS.length) return [];
  return missing.map((name) => `${name} is required where another setting of the provider is given`);
}

function findUnknown(environment: Environment): string[] {
  const isKnown = (name: string): boolean => name in settingsSchema.shape || CLI_SETTINGS.has(name);
  return Object.keys(environment).filter((name) => name.startsWith('FREEHOLD_') && !isKnown(name))
    .map((name) => `${name} is not a setting`);
}
