/** The settings that are secrets, or may hold some. */
const SECRET_SETTINGS: ReadonlySet<string> = new Set([
  'DATABASE_URL', 'REDIS_URL', 'FREEHOLD_MASTER_KEY', 'FREEHOLD_NEXT_MASTER_KEY', 'FREEHOLD_FORMER_MASTER_KEY', 'FREEHOLD_DERIVATION_KEY',
  'FREEHOLD_OPERATOR_KEY', 'FREEHOLD_SIGNUP_KEY', 'FREEHOLD_OPERATOR_PASSWORD', 'FREEHOLD_API_KEY', 'FREEHOLD_BACKUP_SITES',
  'FREEHOLD_AUDIT_WEBHOOK', 'FREEHOLD_SMTP_URL',
]);

/** Says that a process finds settings on its standard input, as one JSON object. */
const FROM = 'FREEHOLD_SECRETS_FROM';
const STANDARD_INPUT = 'stdin';

export type Environment = Readonly<Record<string, string | undefined>>;

/** How a process is given its settings. */
export interface HandOver {
  readonly env: Record<string, string>;
  /** For its standard input. */
  readonly input: string;
}

/**
 * Keeps the secrets out of the environment of a process that is to be started: who may read `/proc` could read them there, and
 * every program that it starts in turn would have them, too.
 */
export function handOver(environment: Environment): HandOver {
  const given = Object.entries(environment).flatMap(([name, value]) => (value === undefined ? [] : [[name, value] as const]));
  const secrets = given.filter(([name]) => SECRET_SETTINGS.has(name));
  return { env: { ...withoutSecrets(environment), [FROM]: STANDARD_INPUT }, input: JSON.stringify(Object.fromEntries(secrets)) };
}

/** What a program is told that needs no settings. */
export function withoutSecrets(environment: Environment): Record<string, string> {
  const kept = Object.entries(environment).filter(([name, value]) => value !== undefined && name !== FROM && !SECRET_SETTINGS.has(name));
  return Object.fromEntries(kept) as Record<string, string>;
}

/**
 * The environment of this process with the settings that it was handed over apart from it.
 *
 * @throws Error if they should be on its standard input and are not
 */
export async function takeOver(environment: Environment, input: AsyncIterable<Buffer | string>): Promise<Environment> {
  const { [FROM]: from, ...rest } = environment;
  if (from === undefined) return environment;
  if (from !== STANDARD_INPUT) throw new Error(`${FROM} must be ${STANDARD_INPUT}: the settings that are secrets, as one JSON object`);
  const chunks: Buffer[] = [];
  for await (const chunk of input) chunks.push(Buffer.from(chunk));
  return { ...rest, ...parse(Buffer.concat(chunks).toString()) };
}

/** What is wrong with it is not quoted: it is secret. */
function parse(text: string): Record<string, string> {
  try {
    const settings: unknown = JSON.parse(text);
    if (typeof settings !== 'object' || settings === null || Array.isArray(settings)) throw new TypeError('it is no object');
    if (Object.values(settings).some((value) => typeof value !== 'string')) throw new TypeError('its members are no texts');
    return settings as Record<string, string>;
  } catch {
    throw new Error(`standard input must hold one JSON object of texts, as ${FROM} says`);
  }
}
