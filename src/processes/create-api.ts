import type { Server } from 'node:http';
import type { NestExpressApplication } from '@nestjs/platform-express';
import { NestFactory } from '@nestjs/core';
import { SwaggerModule } from '@nestjs/swagger';
import { ApiKeysService } from '../access/api-keys.service.js';
import type { Ground } from './control-plane.module.js';
import { FleetService } from '../fleet/fleet.service.js';
import { BootRecovery } from '../health/boot-recovery.js';
import { OperationFeed } from '../operations/operation-feed.js';
import { ProblemFilter } from '../http/problem.filter.js';
import { ValidationPipe } from '../http/validation.js';
import { ApiModule } from './api.module.js';
import { MetricsService } from './metrics.service.js';
import { nestLog } from '../http/nest-log.js';
import { describeApi } from '../http/openapi.js';
import { readBody } from '../http/read-body.js';
import { receiveRequests } from '../http/receive-requests.js';
import { traceRequests } from '../http/trace-requests.js';
import { translateError } from '../http/translate-error.js';

/** Longer than a load balancer's, so that it is not the server that closes a connection in use. */
const KEEP_ALIVE_MS = 75_000;
/** How long a client may take to send a request's head, and the whole of it. */
const HEADERS_WITHIN_MS = 10_000;
const REQUEST_WITHIN_MS = 30_000;
/** How long requests at hand may take when the process is to stop. */
const FINISH_WITHIN_MS = 10_000;

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
  const publicUrl = (settings.FREEHOLD_PUBLIC_URL ?? `http://${settings.FREEHOLD_BIND}:${settings.FREEHOLD_PORT}`).replace(/\/+$/, '');
  const app = await NestFactory.create<NestExpressApplication>(ApiModule.on(ground), {
    logger: nestLog(log), bodyParser: false, abortOnError: false,
  });
  app.set('etag', 'weak');
  app.disable('x-powered-by');
  const metrics = app.get(MetricsService);
  app.use(receiveRequests(log, (labels, seconds) => metrics.observeRequest(labels, seconds)), traceRequests(ground.tracing), readBody());
  app.useGlobalPipes(new ValidationPipe());
  app.useGlobalFilters(new ProblemFilter(publicUrl, log, translateError));
  const document = describeApi(app, publicUrl);
  SwaggerModule.setup('docs', app, document, { jsonDocumentUrl: 'openapi.json', yamlDocumentUrl: 'openapi.yaml' });
  return { app, publicUrl, listen: () => listen(app, ground), close: () => close(app) };
}

async function listen(app: NestExpressApplication, { settings }: Ground): Promise<void> {
  await app.init();
  await app.get(FleetService).recordInventory();
  const keys = app.get(ApiKeysService);
  await keys.ensure('operator', settings.FREEHOLD_OPERATOR_KEY);
  await keys.ensure('signup', settings.FREEHOLD_SIGNUP_KEY);
  await app.get(OperationFeed).start();
  const server: Server = app.getHttpServer();
  server.keepAliveTimeout = KEEP_ALIVE_MS;
  server.headersTimeout = HEADERS_WITHIN_MS;
  server.requestTimeout = REQUEST_WITHIN_MS;
  await app.listen(settings.FREEHOLD_PORT, settings.FREEHOLD_BIND);
  void app.get(BootRecovery).run();
}

async function close(app: NestExpressApplication): Promise<void> {
  const server: Server = app.getHttpServer();
  const cut = setTimeout(() => server.closeAllConnections(), FINISH_WITHIN_MS);
  // Connections in use become idle with their answer; streams end with the feed.
  const tidy = setInterval(() => server.closeIdleConnections(), 50);
  const closed = app.close();
  await app.get(OperationFeed).close();
  await closed;
  clearInterval(tidy);
  clearTimeout(cut);
}
