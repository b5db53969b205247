import type { INestApplication } from '@nestjs/common';
import { DocumentBuilder, type OpenAPIObject, SwaggerModule } from '@nestjs/swagger';
import { z } from 'zod';
import { sessionCookieOf } from '../access/sessions/session-cookie.js';
import { component, componentSchemas } from './components.js';
import { IDEMPOTENCY_KEY } from './route.js';
import { TAGS } from './tags.js';
import { listProblemTypes, type ProblemSlug, problemTypeOf } from '../problems/problem-types.js';

component('Problem', z.looseObject({
  type: z.string(),
  title: z.string(),
  status: z.number().int(),
  detail: z.string(),
  instance: z.string(),
  errors: z.array(z.object({ field: z.string(), message: z.string() })).optional(),
}).meta({ description: 'RFC 9457 problem details; `type` is stable and has a page of its own.' }));

const DESCRIPTION = `Freehold gives every customer a PostgreSQL of their own.

Changes are operations: a request records one and answers with 202; follow it until it ends. \`POST\` takes an
\`Idempotency-Key\`: the same key and body answer the same response for 24 hours. Errors are problem documents
(RFC 9457) whose \`type\` has a page that says what to do.`;

type Responses = NonNullable<NonNullable<OpenAPIObject['components']>['responses']>;
type RouteDescription = NonNullable<OpenAPIObject['paths'][string]['get']> & {
  'x-problems'?: readonly ProblemSlug[];
  'x-codeSamples'?: unknown;
  'x-example-body'?: unknown;
};

/** The OpenAPI document of an application; schemas are the same that check requests. */
export function describeApi(app: INestApplication, publicUrl: string): OpenAPIObject {
  const builder = new DocumentBuilder()
    .setTitle('Freehold').setVersion('1').setDescription(DESCRIPTION).addServer(publicUrl)
    .setLicense('Proprietary', `${publicUrl}/docs`)
    .addBearerAuth({ type: 'http', scheme: 'bearer', description: 'An API key, or the token of a session' }, 'apiKey')
    .addCookieAuth(sessionCookieOf(publicUrl).name, {
      type: 'apiKey', in: 'cookie', description: 'A session; what changes something needs the header `X-CSRF-Token`, too',
    }, 'session');
  for (const [tag, description] of TAGS) builder.addTag(tag, description);
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
  const statuses = new Set<number>((route['x-problems'] ?? []).map((slug) => problemTypeOf(slug).status));
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
  const { 'x-example-body': body } = route;
  delete route['x-example-body'];
  if (body) lines.push("-H 'Content-Type: application/json'", `-d '${JSON.stringify(body)}'`);
  return lines.join(' \\\n  ');
}

/** One response a status, which names the problem types that have it. */
function problemResponses(publicUrl: string, statuses: ReadonlySet<number>): Responses {
  const responses = [...statuses].map((status) => [`Problem${status}`, {
    description: [...listProblemTypes()].filter(([, type]) => type.status === status)
      .map(([slug, { title }]) => `[\`${slug}\`](${publicUrl}/problems/${slug}): ${title}.`).join('\n\n'),
    ...((status === 429 || status === 503) && {
      headers: { 'Retry-After': { description: 'Seconds to wait', schema: { type: 'integer', minimum: 1 } } },
    }),
    content: PROBLEM_CONTENT,
  }]);
  return { ...Object.fromEntries(responses), Problem: { description: 'A problem document', content: PROBLEM_CONTENT } } as Responses;
}

const PROBLEM_CONTENT = { 'application/problem+json': { schema: { $ref: '#/components/schemas/Problem' } } };
