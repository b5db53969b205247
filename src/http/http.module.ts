import { Module } from '@nestjs/common';
import { APP_GUARD } from '@nestjs/core';
import { AccessModule } from '../access/access.module.js';
import { AccessGuard } from './access.guard.js';
import { AlertsController } from './alerts.controller.js';
import { AuditController } from './audit.controller.js';
import { OperationsController } from './operations.controller.js';
import { ProblemsController } from './problems.controller.js';
import { RequestLimits } from './request-limits.js';

/** What belongs to no feature, and the guard of all routes. */
@Module({
  imports: [AccessModule],
  controllers: [OperationsController, AlertsController, AuditController, ProblemsController],
  providers: [RequestLimits, { provide: APP_GUARD, useClass: AccessGuard }],
})
export class HttpModule {}
