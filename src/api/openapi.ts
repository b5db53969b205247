import type { INestApplication } from '@nestjs/common';
import { DocumentBuilder, type OpenAPIObject, SwaggerModule } from '@nestjs/swagger';
import { z } from 'zod';
import { apiKeySchema, customerSchema, newApiKeyAnswerSchema } from '../customers/customer.schemas.js';
import { credentialsSchema, databaseOperationAnswerSchema, databaseSchema, newDatabaseAnswerSchema } from '../databases/database.schemas.js';
import { hostSchema, planSchema, regionSchema } from '../fleet/fleet.schemas.js';
import { alertSchema, operationSchema } from '../operations/operation.schemas.js';

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
  Operation: operationSchema, OperationList: listOf(operationSchema), OperationAnswer: z.object({ operation: operationSchema }),
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

/** The OpenAPI document of an application; schemas are the same that check requests. */
export function describeApi(app: INestApplication, publicUrl: string): OpenAPIObject {
  const builder = new DocumentBuilder()
    .setTitle('Freehold').setVersion('1').setDescription(DESCRIPTION).addServer(publicUrl)
    .setLicense('Proprietary', `${publicUrl}/docs`)
    .addBearerAuth({ type: 'http', scheme: 'bearer', description: 'An API key' }, 'apiKey');
  for (const [tag, description] of Object.entries(TAGS)) builder.addTag(tag, description);
  const document = SwaggerModule.createDocument(app, builder.build());
  document.components ??= {};
  document.components.schemas = { ...document.components.schemas, ...componentSchemas() };
  return document;
}

const TAGS: Readonly<Record<string, string>> = {
  Regions: 'Where databases live',
  Plans: 'What a customer buys',
  Customers: 'The tenants',
  'API keys': "Programs' credentials",
  Databases: 'A PostgreSQL of their own',
  Operations: 'Long-running changes',
  Hosts: 'The machines, for operators',
  Alerts: 'What operators should know',
  Audit: 'Who did what',
  Health: 'For those who watch Freehold itself',
};

function componentSchemas(): NonNullable<NonNullable<OpenAPIObject['components']>['schemas']> {
  return Object.fromEntries(Object.entries(COMPONENTS).map(([name, schema]) => {
    const { $schema: _, ...json } = z.toJSONSchema(schema, { target: 'openapi-3.0', io: 'output', unrepresentable: 'any' });
    return [name, json];
  })) as NonNullable<NonNullable<OpenAPIObject['components']>['schemas']>;
}
