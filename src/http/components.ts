import type { OpenAPIObject } from '@nestjs/swagger';
import { z } from 'zod';

type Schemas = NonNullable<NonNullable<OpenAPIObject['components']>['schemas']>;

const COMPONENTS = z.registry<{ id: string }>();
const NAMES = new Map<z.ZodType, string>();

/**
 * Names a schema of what the API answers with: the document and its clients call it so. Declared beside the feature; where
 * one holds another it refers to it.
 *
 * @throws Error if another one has the name
 */
export function component<Schema extends z.ZodType>(name: string, schema: Schema): Schema {
  if ([...NAMES.values()].includes(name)) throw new Error(`two schemas are named ${name}`);
  NAMES.set(schema, name);
  COMPONENTS.add(schema, { id: name });
  return schema;
}

/** The schema of a page of a list. */
export const listOf = <Schema extends z.ZodType>(name: string, item: Schema) =>
  component(name, z.object({ data: z.array(item), nextCursor: z.string().nullable() }));

/** Where the document describes a schema. */
export function referTo(schema: z.ZodType): { readonly $ref: string } {
  const name = NAMES.get(schema);
  if (name === undefined) throw new Error('a route answers with a schema that has no name');
  return { $ref: pathOf(name) };
}

const pathOf = (name: string): string => `#/components/schemas/${name}`;

/** All schemas by their names. */
export function componentSchemas(): Schemas {
  const { schemas } = z.toJSONSchema(COMPONENTS, {
    target: 'openapi-3.0', io: 'output', unrepresentable: 'any', uri: pathOf,
    override: ({ jsonSchema }) => {
      // Answers may grow members; a client has to bear with those that it does not know.
      if (jsonSchema.additionalProperties === false) delete jsonSchema.additionalProperties;
    },
  });
  const named = Object.entries(schemas).sort(([a], [b]) => (a < b ? -1 : 1));
  return Object.fromEntries(named.map(([name, { $schema: _, $id: __, id: ___, ...schema }]) => [name, schema])) as Schemas;
}
