import { type ArgumentMetadata, Injectable, type PipeTransform } from '@nestjs/common';
import { z } from 'zod';
import type { FieldFault } from '../problems/domain-problem.js';
import { notFound, ProblemError } from '../problems/problem.js';
import type { ProblemSlug } from '../problems/problem-types.js';

/** Schemas whose faults are a problem type of their own, when nothing else is wrong with a request. */
const OWN_PROBLEMS = z.registry<{ readonly problem: ProblemSlug }>();

/** Gives the faults of a field a problem type of their own. */
export function asProblem<Schema extends z.ZodType>(problem: ProblemSlug, schema: Schema): Schema {
  OWN_PROBLEMS.add(schema, { problem });
  return schema;
}

const FAULTS_SHOWN = 20;

interface Fault extends FieldFault {
  readonly problem: ProblemSlug;
}

/** Checks every parameter that has a schema, and names each field at fault. */
@Injectable()
export class ValidationPipe implements PipeTransform {
  transform(value: unknown, { schema, type }: ArgumentMetadata): unknown {
    if (!(schema instanceof z.ZodType)) return value;
    const result = schema.safeParse(value);
    if (result.success) return result.data;
    // What has no well-formed id cannot exist: the answer is the same as for an id that nothing has.
    if (type === 'param') throw notFound();
    const faults = result.error.issues.flatMap((issue) => describeIssue(schema, issue)).slice(0, FAULTS_SHOWN);
    const problems = new Set(faults.map(({ problem }) => problem));
    const [only] = problems;
    const fields = faults.map(({ field, message }) => ({ field, message }));
    const detail = fields.map(({ field, message }) => `${field} ${message}`).join('; ');
    throw new ProblemError(problems.size === 1 && only ? only : 'invalid-request', detail, { fields });
  }
}

function describeIssue(schema: z.ZodType, issue: z.core.$ZodIssue): Fault[] {
  const path = issue.path.map(String);
  if (issue.code === 'unrecognized_keys') {
    return issue.keys.map((key) => ({
      field: [...path, key].join('.'), message: 'is not a field of this request', problem: 'unknown-field',
    }));
  }
  return [{ field: path.join('.') || 'body', message: describeFault(issue), problem: problemOf(schema, path) }];
}

function describeFault(issue: z.core.$ZodIssue): string {
  const { message } = issue;
  if (issue.code !== 'invalid_type') return message;
  if (message.endsWith('received undefined')) return 'is required';
  return message.startsWith('Invalid input') ? `must be ${/^[aeiou]/.test(issue.expected) ? 'an' : 'a'} ${issue.expected}` : message;
}

function problemOf(given: z.ZodType, [field]: readonly string[]): ProblemSlug {
  const schema = given instanceof z.ZodPrefault ? given.unwrap() : given;
  const inner = schema instanceof z.ZodObject && field !== undefined ? (schema.shape as Record<string, z.ZodType>)[field] : undefined;
  return (inner && OWN_PROBLEMS.get(inner)?.problem) ?? 'invalid-request';
}

/** @throws ProblemError `unknown-field` for a body that says anything */
export function requireNoBody(body: unknown): void {
  const keys = typeof body === 'object' && body !== null ? Object.keys(body) : [];
  if (keys.length > 0) {
    throw new ProblemError('unknown-field', 'this request takes no body', {
      fields: keys.slice(0, FAULTS_SHOWN).map((field) => ({ field, message: 'is not a field of this request' })),
    });
  }
}

/** Text that a person or a program gives; no line breaks or other control characters. */
export const text = (maxLength: number) =>
  z.string().trim().min(1, 'may not be empty')
    // Characters, as JSON Schema counts them, and not their halves.
    .refine((value) => [...value].length <= maxLength, `may have at most ${maxLength} characters`)
    .meta({ maxLength })
    .refine((value) => !/\p{Control}/u.test(value), 'may not hold control characters');
