import { createServer, type RequestListener, type Server } from 'node:http';
import { createServer as createSecureServer, type Server as SecureServer } from 'node:https';
import { ExpressAdapter, type NestExpressApplication } from '@nestjs/platform-express';
import type { CorsOptions } from '@nestjs/common/interfaces/external/cors-options.interface.js';
import { NestFactory } from '@nestjs/core';
import { SwaggerModule } from '@nestjs/swagger';
import { ApiKeysService } from '../access/api-keys.service.js';
import { publicUrlOf } from '../config/public-url.js';
import type { Ground } from './control-plane.module.js';
import { FleetService } from '../fleet/fleet.service.js';
import { BootRecovery } from '../health/boot-recovery.js';
import { FirstOperator } from '../users/first-operator.js';
import { OperationFeed } from '../operations/operation-feed.js';
import { ProblemFilter } from '../http/problem.filter.js';
import { ValidationPipe } from '../http/validation.js';
import { ApiCertificateWatch, readApiCertificate } from './api-certificate.js';
import { ApiModule } from './api.module.js';
import { MetricsService } from './metrics.service.js';
import { type TlsFiles, tlsOptions } from '../http/judge-tls.js';
import { nestLog } from '../http/nest-log.js';
import { describeApi } from '../http/openapi.js';
import { readBody } from '../http/read-body.js';
import { IDEMPOTENCY_KEY } from '../http/route.js';
import { receiveRequests } from '../http/receive-requests.js';
import { traceRequests } from '../http/trace-requests.js';
import { translateError } from '../http/translate-error.js';

/** Longer than a load balancer's, so that it is not the server that closes a connection in use. */
const KEEP_ALIVE_MS = 75_000;
/** How long a client may take to send a request's head, and the whole of it; it is looked every so often. */
const PATIENCE = { headersMs: 10_000, requestMs: 30_000, lookEveryMs: 1_000 };
/** In milliseconds. */
export type Patience = typeof PATIENCE;
/** How long requests at hand may take when the process is to stop. */
const FINISH_WITHIN_MS = 10_000;

export interface Api {
  readonly app: NestExpressApplication;
  readonly publicUrl: string;
  listen(): Promise<void>;
  /** Stops accepting, ends what streams, and finishes the requests at hand. */
  close(): Promise<void>;
}

/**
 * Makes the HTTP application on an opened ground; by TLS if the settings name a certificate.
 *
 * @throws SettingsError if that certificate cannot be used
 */
export async function createApi(ground: Ground, patience: Patience = PATIENCE): Promise<Api> {
  const { settings, log } = ground;
  const tls = await readApiCertificate(settings);
  const publicUrl = publicUrlOf(settings);
  const adapter = new ApiAdapter(patience, tls);
  const app = await NestFactory.create<NestExpressApplication>(ApiModule.on(ground), adapter, {
    logger: nestLog(log), bodyParser: false, abortOnError: false,
  });
  app.set('etag', 'weak');
  app.set('trust proxy', settings.FREEHOLD_TRUSTED_PROXIES);
  app.disable('x-powered-by');
  const metrics = app.get(MetricsService);
  app.use(receiveRequests(log, { isSecure: tls !== undefined, observe: (labels, seconds) => metrics.observeRequest(labels, seconds) }));
  if (settings.FREEHOLD_CORS_ORIGINS.length > 0) app.enableCors(corsOf(settings.FREEHOLD_CORS_ORIGINS));
  app.use(traceRequests(ground.tracing), readBody());
  app.useGlobalPipes(new ValidationPipe());
  app.useGlobalFilters(new ProblemFilter(publicUrl, log, translateError));
  const document = describeApi(app, publicUrl);
  SwaggerModule.setup('docs', app, document, { jsonDocumentUrl: 'openapi.json', yamlDocumentUrl: 'openapi.yaml' });
  const watch = tls && new ApiCertificateWatch(app.getHttpServer() as SecureServer, tls, settings, log);
  return {
    app, publicUrl,
    async listen() {
      await listen(app, ground);
      watch?.start();
    },
    async close() {
      await watch?.stop();
      await close(app);
    },
  };
}

/** Makes the server with its limits: those of Node are looked at every half minute only, and can be set nowhere else. */
class ApiAdapter extends ExpressAdapter {
  constructor(private readonly patience: Patience, private readonly tls: TlsFiles | undefined) {
    super();
  }

  override initHttpServer(): void {
    const { headersMs, requestMs, lookEveryMs } = this.patience;
    const options = {
      keepAliveTimeout: KEEP_ALIVE_MS, headersTimeout: headersMs, requestTimeout: requestMs, connectionsCheckingInterval: lookEveryMs,
    };
    const listener = this.getInstance<RequestListener>();
    this.httpServer = this.tls ? createSecureServer({ ...options, ...tlsOptions(this.tls) }, listener) : createServer(options, listener);
  }
}

/** Pages of these origins may call with a key of their own; nothing is sent with what a browser has by itself. */
const corsOf = (origins: readonly string[]): CorsOptions => ({
  origin: [...origins], methods: ['GET', 'HEAD', 'POST', 'PUT', 'DELETE'],
  allowedHeaders: ['Authorization', 'Content-Type', IDEMPOTENCY_KEY, 'Last-Event-ID', 'X-Request-Id'],
  exposedHeaders: ['Idempotency-Replayed', 'Retry-After', 'X-Request-Id', 'ETag'], maxAge: 600,
});

async function listen(app: NestExpressApplication, { settings }: Ground): Promise<void> {
  await app.init();
  await app.get(FleetService).recordInventory();
  const keys = app.get(ApiKeysService);
  await keys.ensure('operator', settings.FREEHOLD_OPERATOR_KEY);
  await keys.ensure('signup', settings.FREEHOLD_SIGNUP_KEY);
  await app.get(FirstOperator).ensure();
  await app.get(OperationFeed).start();
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
