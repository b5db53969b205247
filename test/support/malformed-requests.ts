import type { OpenAPIObject } from '@nestjs/swagger';
import fc from 'fast-check';

/** A request as it is sent; some of its parts may by chance be as they should. */
export interface MalformedRequest {
  readonly operationId: string;
  readonly method: string;
  readonly path: string;
  readonly actor: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string | Uint8Array | undefined;
}

interface Schema {
  readonly $ref?: string;
  readonly type?: string;
  readonly enum?: readonly unknown[];
  readonly properties?: Readonly<Record<string, Schema>>;
  readonly items?: Schema;
  readonly anyOf?: readonly Schema[];
  readonly oneOf?: readonly Schema[];
}

interface Parameter {
  readonly name: string;
  readonly in: string;
  readonly schema?: Schema;
}

interface Route {
  readonly operationId: string;
  readonly parameters?: readonly Parameter[];
  readonly requestBody?: { readonly content: Readonly<Record<string, { readonly schema?: Schema }>> };
}

export interface MalformedOptions {
  readonly actors: readonly string[];
  /** Ids and names that there are, so that some requests get further than the address. */
  readonly known: readonly string[];
  /** Routes that are only asked for what there is not, since they would do what they say. */
  readonly dangerous: ReadonlySet<string>;
}

const NASTY = [
  '', ' ', '\0', '%', '%00', '..', '../../etc/passwd', "' OR true --", '"; DROP TABLE databases; --', '\\', '$1', '${x}', '{{x}}', '__proto__', 'constructor', 'toString',
  'null', 'undefined', 'NaN', '-0', '1e308', '9'.repeat(400), '-1', '0x10', 'true', '[]', '{}', '\ud800', '\udfff', '\u202e', '\ufeff', '😀', 'e\u0301', 'a'.repeat(5_000),
  '2026-13-45T99:99:99Z', '0000-01-01T00:00:00Z', '9999-12-31T23:59:59.999999999Z', '2026-02-30T00:00:00Z', '2026-11-24T10:00:00+99:99', '-000001-01-01T00:00:00Z', '2026-11-24',
  'db_01hzy3v7q8k2w5n9t4r6x1m0pa', 'DB_01HZY3V7Q8K2W5N9T4R6X1M0PA', 'key_operator', '\r\nSet-Cookie: x=y', 'C.UTF-8', '--pgdata=/', '10.0.0.0/33', '::ffff:1.2.3.4/129', '0.0.0.0/0',
];

const nastyText = fc.oneof(fc.constantFrom(...NASTY), fc.string({ unit: 'binary', maxLength: 60 }), fc.string({ maxLength: 60 }));
const nastyValue: fc.Arbitrary<unknown> = fc.oneof(
  nastyText, fc.constant(null), fc.boolean(), fc.double(), fc.integer(), fc.constant(Number.MAX_SAFE_INTEGER), fc.array(nastyText, { maxLength: 4 }), fc.dictionary(nastyText, nastyText, { maxKeys: 4 }), fc.jsonValue({ maxDepth: 5 }),
);

/** Requests of every route, with parts that are nasty, misplaced, missing or as they should be. */
export function malformedRequests(document: OpenAPIObject, options: MalformedOptions): fc.Arbitrary<MalformedRequest> {
  const schemas = (document.components?.schemas ?? {}) as Readonly<Record<string, Schema>>;
  const routes = Object.entries(document.paths).flatMap(([path, methods]) =>
    Object.entries(methods as Record<string, Route>).map(([method, route]) => ({ path, method: method.toUpperCase(), route })));
  return fc.constantFrom(...routes).chain(({ path, method, route }) => fc.record({
    operationId: fc.constant(route.operationId),
    method: fc.oneof({ weight: 19, arbitrary: fc.constant(method) }, { weight: 1, arbitrary: fc.constantFrom('PUT', 'DELETE', 'PATCH', 'OPTIONS', 'HEAD', 'POST') }),
    path: pathOf(path, route, options),
    actor: fc.constantFrom(...options.actors),
    headers: headersOf(route),
    body: method === 'GET' ? fc.constant(undefined) : bodyOf(route, schemas, options),
  }));
}

function pathOf(path: string, route: Route, { known, dangerous }: MalformedOptions): fc.Arbitrary<string> {
  const there = dangerous.has(route.operationId) ? nastyText : fc.oneof({ weight: 3, arbitrary: fc.constantFrom(...known) }, { weight: 1, arbitrary: nastyText });
  const names = [...path.matchAll(/\{(\w+)\}/g)].map(([, name]) => name!);
  const queries = (route.parameters ?? []).filter((parameter) => parameter.in === 'query').map(({ name }) => name);
  const query = fc.array(fc.tuple(fc.oneof({ weight: 9, arbitrary: fc.constantFrom(...queries, 'limit', 'cursor') }, { weight: 1, arbitrary: nastyText }), fc.oneof(nastyText, fc.constantFrom(...known))), { maxLength: 3 });
  return fc.tuple(fc.tuple(...names.map(() => there)), query, fc.boolean()).map(([values, parameters, raw]) => {
    const filled = names.reduce((text, name, index) => text.replace(`{${name}}`, () => escape(values[index]!, raw)), path);
    return parameters.length === 0 ? filled : `${filled}?${parameters.map(([name, value]) => `${escape(name, raw)}=${escape(value, raw)}`).join('&')}`;
  });
}

/** As a careful client writes it; or a careless one, with what HTTP lets through at all. */
function escape(text: string, raw: boolean): string {
  if (raw) return text.replace(/[^!-~]/gu, '%').replaceAll(/[?#/]/g, '%2f') || '%20';
  return encodeURIComponent(Buffer.from(text).toString());
}

function headersOf(route: Route): fc.Arbitrary<Record<string, string>> {
  const names = (route.parameters ?? []).filter((parameter) => parameter.in === 'header').map(({ name }) => name);
  const value = nastyText.map((text) => text.replace(/[^ -~]/gu, '?').slice(0, 300));
  return fc.dictionary(fc.constantFrom(...names, 'accept', 'if-none-match', 'x-request-id', 'content-encoding', 'range', 'traceparent', 'expect-ct'), value, { maxKeys: 2 });
}

function bodyOf(route: Route, schemas: Readonly<Record<string, Schema>>, options: MalformedOptions): fc.Arbitrary<string | Uint8Array | undefined> {
  const schema = route.requestBody?.content['application/json']?.schema;
  const shaped = (schema ? valueOf(schema, schemas, options, 0) : nastyValue).map((value) => JSON.stringify(value) as string | undefined);
  return fc.oneof(
    { weight: 12, arbitrary: shaped }, { weight: 2, arbitrary: nastyValue.map((value) => JSON.stringify(value)) }, { weight: 1, arbitrary: nastyText },
    { weight: 1, arbitrary: fc.uint8Array({ maxLength: 60 }) }, { weight: 1, arbitrary: fc.constant(undefined) },
  );
}

/** Of the form of a schema, but for some parts. */
function valueOf(schema: Schema, schemas: Readonly<Record<string, Schema>>, options: MalformedOptions, depth: number): fc.Arbitrary<unknown> {
  if (depth > 4) return nastyValue;
  const inner = (one: Schema): fc.Arbitrary<unknown> => valueOf(one, schemas, options, depth + 1);
  const named = schema.$ref === undefined ? schema : schemas[schema.$ref.split('/').at(-1)!]!;
  const branches = named.anyOf ?? named.oneOf;
  const fitting = (): fc.Arbitrary<unknown> => {
    if (branches) return fc.oneof(...branches.map(inner));
    if (named.enum) return fc.constantFrom(...named.enum);
    switch (named.type) {
      case 'object':
        return fc.record(Object.fromEntries(Object.entries(named.properties ?? {}).map(([name, one]) => [name, inner(one)])), { requiredKeys: [] });
      case 'array':
        return fc.array(inner(named.items ?? {}), { maxLength: 4 });
      case 'integer':
      case 'number':
        return fc.oneof(fc.integer(), fc.double(), fc.constantFrom(0, 1, -1, 2 ** 53, 1e300));
      case 'boolean':
        return fc.boolean();
      default:
        return fc.oneof(fc.constantFrom(...options.known, 'shop', 'a name', 'europe', 'starter', 'ada@example.com', '2027-01-01T00:00:00Z'), nastyText);
    }
  };
  return fc.oneof({ weight: 6, arbitrary: fitting() }, { weight: 1, arbitrary: nastyValue });
}
