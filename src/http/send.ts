import type { Response } from 'express';
import type { Committed } from '../changes/changes.service.js';

/** Sends what a change answered, and says so if it was answered before. */
export function send(response: Response, { status, body, replayed }: Committed): unknown {
  response.status(status);
  if (replayed) response.setHeader('Idempotency-Replayed', 'true');
  return body;
}
