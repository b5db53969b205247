import { StandardSchemaValidationPipe } from '@nestjs/common';
import { z } from 'zod';
import { ProblemError } from './problem.js';

/** Checks every parameter that has a schema, and names each field at fault. */
export const validationPipe = new StandardSchemaValidationPipe({
  exceptionFactory: (issues) => new ProblemError('invalid-request', 'the request is not valid', {
    fields: issues.slice(0, 20).flatMap(({ path = [], message }) => {
      const field = path.map((part) => String(typeof part === 'object' ? part.key : part)).join('.');
      return [{ field, message }];
    }),
  }),
});

/** Half of a surrogate pair: text that has no form in UTF-8. */
const LONE_SURROGATE = /\p{Surrogate}/u;

/** Text that a person or a program gives: no NUL bytes, which PostgreSQL does not take, nor broken surrogates. */
export const text = (maxLength: number) =>
  z.string().trim().min(1, 'may not be empty').max(maxLength, `may have at most ${maxLength} characters`)
    .refine((value) => !/[\u0000-\u0008\u000b\u000c\u000e-\u001f\u007f]/.test(value), 'may not hold control characters')
    .refine((value) => !LONE_SURROGATE.test(value), 'must be well-formed Unicode');
