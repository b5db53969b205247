import type { INestApplication } from '@nestjs/common';
import { DocumentBuilder, type OpenAPIObject, SwaggerModule } from '@nestjs/swagger';
import { z } from 'zod';
import { backupPolicySchema, backupSchema } from '../backups/backup.schemas.js';
import { dumpLinkAnswerSchema } from '../backups/dump-link.schemas.js';
import { restoreAnswerSchema } from '../backups/restore.schemas.js';
import { apiKeySchema, customerSchema, newApiKeyAnswerSchema } from '../customers/customer.schemas.js';
import { credentialsSchema, databaseOperationAnswerSchema, databaseSchema, newDatabaseAnswerSchema } from '../databases/database.schemas.js';
import { extensionSchema } from '../databases/extension.schemas.js';
import { roleSchema } from '../databases/role.schemas.js';
import { hostSchema, planSchema, regionSchema } from '../fleet/fleet.schemas.js';
import { alertSchema, operationSchema } from '../operations/operation.schemas.js';
import { IDEMPOTENCY_KEY } from '../access/route.js';
import { PROBLEM_TYPES, type ProblemSlug } from '../problems/problem-types.js';

const listOf = (schema: z.ZodType) => z.object({ data: z.array(schema), nextCursor: z.string().nullable() });

const problemSchema = z.looseObject({
  type: z.string(),
  title: z.string(),
  status: z.number().int(),
  detail: z.string(),
  instance: z.string(),
  errors: z.array(z.object({ field: z.string(), message: z.string() })).optional(),
}).meta({ description: 'RFC 9457 problem details; `type` is stable and has a page of its own.' });

const auditEventSchema = z.object({
  id: z.string(), at: z.iso.datetime(), actor: z.string(), action: z.string(), subjectId: z.string().nullable(),
  customerId: z.string().nullable(), requestId: z.string().nullable(), detail: z.record(z.string(), z.unknown()),
});

const plannedMoveSchema = z.object({
  databaseId: z.string(), instanceId: z.string(), hostId: z.string(), role: z.string(), by: z.enum(['switchover', 'failover', 'restore', 'relocate']),
  mayLose: z.enum(['nothing', 'not-received', 'not-archived']).meta({ description: 'What the standby had not received (needs acceptDataLoss), or what was not archived yet' }),
  to: z.string().nullable().meta({ description: 'The host that it would go to; null without room' }),
  source: z.object({ site: z.string(), backupId: z.string(), backedUpAt: z.string(), sizeBytes: z.number().nullable() }).nullable().meta({ description: 'What a restore would begin with' }),
});

/** What the API answers with, by the names that the document and the client use. */
const COMPONENTS: Readonly<Record<string, z.ZodType>> = {
  Problem: problemSchema,
  Region: regionSchema, RegionList: listOf(regionSchema),
  Plan: planSchema, PlanList: listOf(planSchema),
  Host: hostSchema, HostList: listOf(hostSchema),
  Customer: customerSchema, CustomerList: listOf(customerSchema),
  ApiKey: apiKeySchema, ApiKeyList: listOf(apiKeySchema), NewApiKey: newApiKeyAnswerSchema,
  Database: databaseSchema, DatabaseList: listOf(databaseSchema), Credentials: credentialsSchema,
  NewDatabaseAnswer: newDatabaseAnswerSchema, DatabaseOperationAnswer: databaseOperationAnswerSchema,
  Extension: extensionSchema, ExtensionList: listOf(extensionSchema),
  Role: roleSchema, RoleList: listOf(roleSchema),
  Operation: operationSchema, OperationList: listOf(operationSchema), OperationAnswer: z.object({ operation: operationSchema }),
  MovePlanAnswer: z.object({
    plan: z.object({
      hosts: z.array(z.string()), primaries: z.number().int(), standbys: z.number().int(),
      restores: z.number().int().meta({ description: 'Databases that have nothing left elsewhere' }),
      moves: z.array(plannedMoveSchema),
    }),
  }).meta({ description: 'What would move, and how.' }),
  Backup: backupSchema, BackupList: listOf(backupSchema), BackupPolicy: backupPolicySchema,
  RestoreAnswer: restoreAnswerSchema, DumpLink: dumpLinkAnswerSchema,
  OperationEvents: z.string().meta({ description: 'Server-Sent Events' }),
  Alert: alertSchema, AlertList: listOf(alertSchema),
  AuditEvent: auditEventSchema, AuditEventList: listOf(auditEventSchema),
  Readiness: z.object({ status: z.enum(['ready', 'not-ready']), recovered: z.boolean(), checks: z.record(z.string(), z.boolean()) }),
  Liveness: z.object({ status: z.literal('alive') }),
};

const DESCRIPTION = `Freehold gives every customer a PostgreSQL of their own.

Changes are operations: a request records one and answers with 202; follow it until it ends. \`POST\` takes an
\`Idempotency-Key\`: the same key and body answer the same response for 24 hours. Errors are problem documents
(RFC 9457) whose \`type\` has a page that says what to do.`;

type Schemas = NonNullable<NonNullable<OpenAPIObject['components']>['schemas']>;
type Responses = NonNullable<NonNullable<OpenAPIObject['components']>['responses']>;
type RouteDescription = NonNullable<OpenAPIObject['paths'][string]['get']> & { 'x-problems'?: readonly ProblemSlug[]; 'x-codeSamples'?: unknown };

/** The OpenAPI document of an application; schemas are the same that check requests. */
export function describeApi(app: INestApplication, publicUrl: string): OpenAPIObject {
  const builder = new DocumentBuilder()
    .setTitle('Freehold').setVersion('1').setDescription(DESCRIPTION).addServer(publicUrl)
    .setLicense('Proprietary', `${publicUrl}/docs`)
    .addBearerAuth({ type: 'http', scheme: 'bearer', description: 'An API key' }, 'apiKey');
  for (const [tag, description] of Object.entries(TAGS)) builder.addTag(tag, description);
  const document = SwaggerModule.createDocument(app, builder.build());
  const answered = new Set<number>();
  for (const [path, methods] of Object.entries(document.paths)) {
    for (const [method, route] of Object.entries(methods) as [string, RouteDescription][]) {
      for (const status of completeRoute(publicUrl, path, method, route)) answered.add(status);
    }
  }
  document.components = {
    ...document.components,
    schemas: { ...document.components?.schemas, ...componentSchemas() },
    responses: problemResponses(publicUrl, answered),
  };
  return document;
}

/** Adds what follows from the form of a route: an example of its use, and the problems whose statuses it answers with. */
function completeRoute(publicUrl: string, path: string, method: string, route: RouteDescription): ReadonlySet<number> {
  // By default a route would need what the document asks for as a whole.
  route.security ??= [];
  const statuses = new Set<number>((route['x-problems'] ?? []).map((slug) => PROBLEM_TYPES[slug].status));
  if (route.security.length > 0) statuses.add(401).add(429);
  if (path.includes('{')) statuses.add(404);
  if (route.requestBody || (route.parameters ?? []).length > 0) statuses.add(400);
  if (route.requestBody) statuses.add(413).add(415);
  if (route.requestBody && 'content' in route.requestBody) route.requestBody.required = needsBody(route.requestBody);
  if (route.parameters?.some((parameter) => 'name' in parameter && parameter.name === IDEMPOTENCY_KEY)) statuses.add(422);
  for (const status of [...statuses].sort()) route.responses[status] ??= { $ref: `#/components/responses/Problem${status}` };
  route.responses['4XX'] = { $ref: '#/components/responses/Problem' };
  route.responses['5XX'] = { $ref: '#/components/responses/Problem' };
  route['x-codeSamples'] = [{ lang: 'Shell', label: 'curl', source: writeCurl(publicUrl, path, method, route) }];
  return statuses;
}

/** Where every field may be left out, so may the body. */
function needsBody({ content }: Extract<RouteDescription['requestBody'], { content: unknown }>): boolean {
  const { schema } = content['application/json'] ?? {};
  return !schema || !('properties' in schema) || (schema.required ?? []).length > 0;
}

function writeCurl(publicUrl: string, path: string, method: string, route: RouteDescription): string {
  const lines = [`curl ${method === 'get' ? '' : `-X ${method.toUpperCase()} `}${publicUrl}${path.replace(/\{(\w+)\}/g, '$$$1')}`];
  if ((route.security ?? []).length > 0) lines.push('-H "Authorization: Bearer $FREEHOLD_API_KEY"');
  if (method === 'post') lines.push('-H "Idempotency-Key: $(uuidgen)"');
  const body = EXAMPLE_BODIES[route.operationId ?? ''];
  if (body) lines.push("-H 'Content-Type: application/json'", `-d '${JSON.stringify(body)}'`);
  return lines.join(' \\\n  ');
}

const EXAMPLE_BODIES: Readonly<Record<string, unknown>> = {
  createCustomer: { name: 'Ada Ltd', email: 'ada@example.com' },
  createApiKey: { name: 'deploy script' },
  createDatabase: { customerId: 'cus_01hzy3v7q8k2w5n9t4r6x1m0pa', name: 'shop', region: 'europe', plan: 'starter' },
  setAutomation: { paused: true, reason: 'investigating a slow disk' },
  failover: { acceptDataLoss: false },
  createExtension: { name: 'earthdistance', schema: 'public' },
  createRole: { name: 'reporting', access: 'readOnly' },
  restoreDatabase: { time: '2026-11-24T10:15:00+01:00', into: 'new', name: 'shop-as-of-ten' },
};

/** One response a status, which names the problem types that have it. */
function problemResponses(publicUrl: string, statuses: ReadonlySet<number>): Responses {
  const responses = [...statuses].map((status) => [`Problem${status}`, {
    description: Object.entries(PROBLEM_TYPES).filter(([, type]) => type.status === status)
      .map(([slug, { title }]) => `[\`${slug}\`](${publicUrl}/problems/${slug}): ${title}.`).join('\n\n'),
    ...((status === 429 || status === 503) && { headers: { 'Retry-After': { description: 'Seconds to wait', schema: { type: 'integer', minimum: 1 } } } }),
    content: PROBLEM_CONTENT,
  }]);
  return { ...Object.fromEntries(responses), Problem: { description: 'A problem document', content: PROBLEM_CONTENT } } as Responses;
}

const PROBLEM_CONTENT = { 'application/problem+json': { schema: { $ref: '#/components/schemas/Problem' } } };

const TAGS: Readonly<Record<string, string>> = {
  Regions: 'Where databases live',
  Plans: 'What a customer buys',
  Customers: 'The tenants',
  'API keys': "Programs' credentials",
  Databases: 'A PostgreSQL of their own',
  Backups: 'What outlives everything else',
  Operations: 'Long-running changes',
  Hosts: 'The machines, for operators',
  Alerts: 'What operators should know',
  Audit: 'Who did what',
  Health: 'For those who watch Freehold itself',
};

/** The schemas by their names; where one holds another it refers to it. */
function componentSchemas(): Schemas {
  const registry = z.registry<{ id: string }>();
  for (const [id, schema] of Object.entries(COMPONENTS)) registry.add(schema, { id });
  const { schemas } = z.toJSONSchema(registry, {
    target: 'openapi-3.0', io: 'output', unrepresentable: 'any', uri: (id) => `#/components/schemas/${id}`,
    override: ({ jsonSchema }) => {
      // Answers may grow members; a client has to bear with those that it does not know.
      if (jsonSchema.additionalProperties === false) delete jsonSchema.additionalProperties;
    },
  });
  return Object.fromEntries(Object.entries(schemas).map(([name, { $schema: _, $id: __, id: ___, ...schema }]) => [name, schema])) as Schemas;
}
