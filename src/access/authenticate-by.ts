import type { Request, Response, RequestHandler } from 'express';
import passport, { type Strategy } from 'passport';

/**
 * Asks a strategy of Passport who has sent a request; undefined if the request has nothing that the strategy looks at. By the strategy
 * itself and not by its name: names are global, and two applications in a process would share them.
 *
 * @throws what the strategy throws
 */
export function authenticateBy<Who extends object>(strategy: Strategy, request: Request, response: Response): Promise<Who | undefined> {
  return new Promise((resolve, reject) => {
    const decide = (error: Error | null, who: Who | false | null): void => {
      if (error) reject(error);
      else resolve(who || undefined);
    };
    // Passport keeps what belongs to one request on the strategy that it is given: each request gets a copy.
    const copy = Object.create(strategy) as Strategy;
    (passport.authenticate(copy, { session: false }, decide) as RequestHandler)(request, response, () => resolve(undefined));
  });
}
