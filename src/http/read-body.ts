import express, { type NextFunction, type Request, type RequestHandler, type Response } from 'express';
import { ProblemError } from '../problems/problem.js';

const LIMIT = '64kb';
/** No request of this API nests deeper; a deeper body would exhaust the stack of the code that walks it. */
const DEEPEST = 16;
const UTF8 = new TextDecoder('utf-8', { fatal: true });

/** Reads bodies of well-formed JSON in UTF-8, and refuses all others before anybody looks at them. */
export function readBody(): RequestHandler {
  const parse = express.json({
    limit: LIMIT,
    type: () => true,
    verify: (_request, _response, bytes, charset) => {
      if (charset !== 'utf-8') {
        throw new ProblemError('unsupported-media-type', `the charset ${charset} is not supported`, { hint: 'send UTF-8' });
      }
      refuseBrokenText(() => UTF8.decode(bytes));
    },
  });
  return (request, response, next) => {
    if (!hasBody(request)) {
      next();
      return;
    }
    if (!request.is(['application/json', 'application/*+json'])) {
      next(new ProblemError(
        'unsupported-media-type', `the media type ${request.headers['content-type'] ?? '(none)'} is not supported`,
        { hint: 'send application/json' },
      ));
      return;
    }
    parse(request, response, (error?: unknown) => {
      if (error) next(describeBodyError(error));
      else checkThen(next, () => checkTexts(request.body));
    });
  };
}

/** Refuses addresses whose escapes are no UTF-8, or hold NUL bytes. */
export function checkAddress(request: Request, _response: Response, next: NextFunction): void {
  checkThen(next, () => {
    const address = refuseBrokenText(() => decodeURIComponent(request.originalUrl.replaceAll('+', ' ')));
    if (address.includes('\0')) throw broken('the address holds NUL bytes');
  });
}

function checkThen(next: NextFunction, check: () => void): void {
  try {
    check();
    next();
  } catch (error) {
    next(error);
  }
}

function hasBody({ headers }: Request): boolean {
  return headers['transfer-encoding'] !== undefined || Number(headers['content-length'] ?? 0) > 0;
}

const broken = (detail: string): ProblemError =>
  new ProblemError('invalid-encoding', detail, { hint: 'send well-formed UTF-8 without NUL bytes' });

function refuseBrokenText(decode: () => string): string {
  try {
    return decode();
  } catch {
    throw broken('the request is not well-formed UTF-8');
  }
}

/**
 * The body parser throws errors that carry a `type`. One of our own comes out of it with a status, by which the framework
 * would take it for one of its own: a new one has none.
 */
function describeBodyError(error: unknown): unknown {
  if (error instanceof ProblemError) {
    return new ProblemError(error.problem, error.message, error.hint === undefined ? {} : { hint: error.hint });
  }
  if (!(error instanceof Error) || !('type' in error)) return error;
  switch (error.type) {
    case 'entity.too.large':
      return new ProblemError('body-too-large', 'the body is larger than 64 KiB');
    case 'entity.parse.failed':
      return new ProblemError('malformed-json', 'the body is not a JSON object');
    case 'charset.unsupported':
    case 'encoding.unsupported':
      return new ProblemError('unsupported-media-type', error.message.toLowerCase(), { hint: 'send UTF-8' });
    default:
      return new ProblemError('invalid-request', `the body cannot be read: ${error.message}`);
  }
}

/** Walks a document without recursion, whose depth the caller would choose. */
function checkTexts(body: unknown): void {
  const waiting: { readonly value: unknown; readonly depth: number }[] = [{ value: body, depth: 0 }];
  for (let next = waiting.pop(); next; next = waiting.pop()) {
    const { value, depth } = next;
    if (typeof value === 'string' && (value.includes('\0') || /\p{Surrogate}/u.test(value))) {
      throw broken('the body holds NUL bytes or halves of surrogate pairs');
    }
    if (typeof value !== 'object' || value === null) continue;
    if (depth === DEEPEST) throw new ProblemError('invalid-request', `the body is nested deeper than ${DEEPEST} levels`);
    for (const [name, inner] of Object.entries(value)) waiting.push({ value: name, depth }, { value: inner, depth: depth + 1 });
  }
}
