import { randomUUID } from 'node:crypto';
import type { NestExpressApplication } from '@nestjs/platform-express';
import { NestFactory } from '@nestjs/core';
import { SwaggerModule } from '@nestjs/swagger';
import type { NextFunction, Request, Response } from 'express';
import { pinoHttp } from 'pino-http';
import { OPERATOR, PROVISION_SCOPE } from '../access/actor.js';
import { ApiKeysService } from '../access/api-keys.service.js';
import { ChangesService } from '../access/changes.service.js';
import type { Ground } from '../control-plane.module.js';
import { FleetService } from '../fleet/fleet.service.js';
import { BootRecovery } from '../health/boot-recovery.js';
import { OperationFeed } from '../operations/operation-feed.js';
import { ProblemFilter } from '../problems/problem.filter.js';
import { validationPipe } from '../problems/validation.js';
import { ApiModule } from './api.module.js';
import { MetricsService } from './metrics.service.js';
import { describeApi } from './openapi.js';
import { translateError } from './translate-error.js';

const BODY_LIMIT = '64kb';
/** Longer than a load balancer's, so that it is not the server that closes a connection in use. */
const KEEP_ALIVE_MS = 75_000;
const FORGET_EVERY_MS = 10 * 60_000;
const REQUEST_ID = /^[A-Za-z0-9._-]{8,64}$/;

export interface Api {
  readonly app: NestExpressApplication;
  readonly publicUrl: string;
  listen(): Promise<void>;
  /** Stops accepting, ends what streams, and finishes the requests at hand. */
  close(): Promise<void>;
}

/** Makes the HTTP application on an opened ground. */
export async function createApi(ground: Ground): Promise<Api> {
  const { settings, log } = ground;
  const publicUrl = settings.FREEHOLD_PUBLIC_URL ?? `http://${settings.FREEHOLD_BIND}:${settings.FREEHOLD_PORT}`;
  const app = await NestFactory.create<NestExpressApplication>(ApiModule.on(ground), { logger: ['error', 'warn'], bodyParser: false, abortOnError: false });
  app.disable('x-powered-by');
  app.set('etag', 'weak');
  app.use(pinoHttp({
    logger: log,
    genReqId: (request) => requestIdOf(request.headers['x-request-id']),
    customProps: (request) => ({ requestId: request.id, actor: (request as Request & { user?: { id: string } }).user?.id }),
    autoLogging: { ignore: (request) => request.url === '/healthz' || request.url === '/readyz' || request.url === '/metrics' },
    serializers: { req: ({ method, url }: { method: string; url: string }) => ({ method, url: url.split('?')[0] }), res: ({ statusCode }: { statusCode: number }) => ({ statusCode }) },
    customLogLevel: (_request, response) => (response.statusCode >= 500 ? 'error' : 'info'),
  }));
  app.use(secureHeaders);
  app.use(measure(app.get(MetricsService)));
  app.useBodyParser('json', { limit: BODY_LIMIT, strict: true, type: ['application/json', 'application/*+json'] });
  app.useGlobalPipes(validationPipe);
  app.useGlobalFilters(new ProblemFilter(publicUrl, log, translateError));
  const document = describeApi(app, publicUrl);
  SwaggerModule.setup('docs', app, document, { jsonDocumentUrl: 'openapi.json', yamlDocumentUrl: 'openapi.yaml' });
  return { app, publicUrl, listen: () => listen(app, ground), close: () => close(app) };
}

async function listen(app: NestExpressApplication, { settings }: Ground): Promise<void> {
  await app.init();
  await app.get(FleetService).recordInventory();
  const keys = app.get(ApiKeysService);
  if (settings.FREEHOLD_OPERATOR_KEY) await keys.ensure(settings.FREEHOLD_OPERATOR_KEY, 'operator', [OPERATOR]);
  if (settings.FREEHOLD_SIGNUP_KEY) await keys.ensure(settings.FREEHOLD_SIGNUP_KEY, 'signup', [PROVISION_SCOPE]);
  await app.get(OperationFeed).start();
  const forget = (): void => void app.get(ChangesService).forgetOld().catch(() => undefined);
  setInterval(forget, FORGET_EVERY_MS).unref();
  const server = await app.listen(settings.FREEHOLD_PORT, settings.FREEHOLD_BIND) as { keepAliveTimeout: number };
  server.keepAliveTimeout = KEEP_ALIVE_MS;
  void app.get(BootRecovery).run();
}

async function close(app: NestExpressApplication): Promise<void> {
  const server = app.getHttpServer();
  // Streams would hold the server open for as long as their operations run.
  const cut = setTimeout(() => server.closeAllConnections(), 3_000);
  server.closeIdleConnections();
  await app.get(OperationFeed).close();
  await app.close();
  clearTimeout(cut);
}

function requestIdOf(given: string | string[] | undefined): string {
  return typeof given === 'string' && REQUEST_ID.test(given) ? given : `req_${randomUUID().replaceAll('-', '')}`;
}

function secureHeaders(request: Request, response: Response, next: NextFunction): void {
  response.setHeader('X-Request-Id', String(request.id));
  response.setHeader('X-Content-Type-Options', 'nosniff');
  response.setHeader('X-Frame-Options', 'DENY');
  response.setHeader('Referrer-Policy', 'no-referrer');
  if (request.path.startsWith('/v1/')) response.setHeader('Cache-Control', 'no-cache');
  next();
}

function measure(metrics: MetricsService) {
  return (request: Request, response: Response, next: NextFunction): void => {
    const began = performance.now();
    response.once('finish', () => {
      const route = (request.route as { path?: string } | undefined)?.path ?? 'unknown';
      metrics.observeRequest({ method: request.method, route, status: String(response.statusCode) }, (performance.now() - began) / 1000);
    });
    next();
  };
}
