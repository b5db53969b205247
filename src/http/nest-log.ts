import type { LoggerService } from '@nestjs/common';
import type { Log } from '../telemetry/log.js';

/** Takes what the framework has to say into the log of the process; its tales of start-up are left out. */
export function nestLog(log: Log): LoggerService {
  return {
    log: () => undefined,
    warn: (message: unknown, context?: unknown) => log.warn({ component: context }, String(message)),
    error: (message: unknown, stack?: unknown, context?: unknown) => log.error({ component: context, stack }, String(message)),
    fatal: (message: unknown, stack?: unknown, context?: unknown) => log.fatal({ component: context, stack }, String(message)),
  };
}
