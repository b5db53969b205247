import { Module } from '@nestjs/common';
import { HealthModule } from '../health/health.module.js';
import { HealthController } from './health.controller.js';
import { MetricsService } from './metrics.service.js';

/** How the control plane itself is, for those who watch it. */
@Module({ imports: [HealthModule], controllers: [HealthController], providers: [MetricsService] })
export class MonitoringModule {}
