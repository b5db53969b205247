import { z } from 'zod';

const path = z.string().startsWith('/', 'must be an absolute path');
const host = z.string().regex(/^[A-Za-z0-9]([A-Za-z0-9.:_-]*[A-Za-z0-9])?$/, 'must be a host name or an IP address');
/** Passed on in a file of lines: what has a line break in it would be another option. */
const word = z.string().regex(/^[^\s\0][^\r\n\0]*$/, 'must be one line, and not empty');
const below = path.default('/freehold');
/** How a server that speaks the protocol elsewhere is reached, such as MinIO. */
const server = { caFile: path.optional(), storageHost: host.optional(), storagePort: z.number().int().min(1).max(65_535).optional() };

/**
 * Where a site's repositories are. Secrets are named by the file that they are in, which only its owner may read (0600);
 * they are never part of a setting.
 */
const repositorySchema = z.discriminatedUnion('type', [
  z.strictObject({ type: z.literal('posix'), path }),
  z.strictObject({
    type: z.literal('s3'), bucket: word, endpoint: host, region: word, path: below,
    /** Two lines, the access key and the secret key; left out where the machine's own role is to be used. */
    keyFile: path.optional(), uriStyle: z.enum(['host', 'path']).default('host'), ...server,
  }),
  z.strictObject({
    type: z.literal('azure'), account: word, container: word, path: below, /** One line. */ keyFile: path,
    keyType: z.enum(['shared', 'sas']).default('shared'), ...server,
  }),
  z.strictObject({
    type: z.literal('gcs'), bucket: word, path: below, /** A service account's JSON. */ keyFile: path, endpoint: host.optional(),
  }),
  z.strictObject({
    type: z.literal('sftp'), host, user: word, path: below, port: z.number().int().min(1).max(65_535).default(22),
    /** A private key without a passphrase. */ keyFile: path,
    fingerprint: z.string().regex(/^[0-9a-f]{64}$/, 'must be the SHA-256 of the host\'s key, in hexadecimal'),
  }),
]);

const siteSchema = z.strictObject({
  id: z.string().regex(/^[a-z][a-z0-9-]{0,39}$/, 'must be lower-case letters, digits and hyphens'),
  name: word,
  country: z.string().regex(/^[A-Z]{2}$/, 'must be an ISO 3166 code, such as DE'),
  dataCenter: word,
  kind: z.enum(['live', 'frozen']),
  repository: repositorySchema,
});

export type ConfiguredSite = z.output<typeof siteSchema>;
export type RepositorySettings = ConfiguredSite['repository'];
export type ServerSettings = z.output<z.ZodObject<typeof server>>;

/** What is promised: each backup on three machines, and a frozen copy. */
const LIVE_SITES = 3;

/** The whole of FREEHOLD_BACKUP_SITES: JSON, with every fault named at once. */
export const backupSitesSchema = z.string().transform((text, context): unknown => {
  try {
    return JSON.parse(text) as unknown;
  } catch {
    context.addIssue({ code: 'custom', message: 'must be a list of sites in JSON' });
    return z.NEVER;
  }
}).pipe(z.array(siteSchema).superRefine((sites, context) => {
  for (const fault of findFaults(sites)) context.addIssue({ code: 'custom', message: fault });
}));

function findFaults(sites: readonly ConfiguredSite[]): string[] {
  const live = sites.filter(({ kind }) => kind === 'live').length;
  const frozen = sites.filter(({ kind }) => kind === 'frozen');
  return [
    ...(live < LIVE_SITES ? [`must have ${LIVE_SITES} live sites, and has ${live}`] : []),
    ...(frozen.length === 1 ? [] : [`must have one frozen site, and has ${frozen.length}`]),
    ...frozen.filter(({ repository }) => repository.type !== 'posix')
      .map(({ id }) => `has the frozen site ${id} of type other than posix: pgBackRest cannot lock objects, so mount the cold storage`),
    ...(['id', 'dataCenter'] as const).flatMap((name) =>
      repeated(sites.map((site) => site[name])).map((value) => `has two sites with the ${name} ${value}`)),
  ];
}

function repeated(values: readonly string[]): string[] {
  return [...new Set(values.filter((value, at) => values.indexOf(value) !== at))];
}
