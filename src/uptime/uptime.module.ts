import { Module } from '@nestjs/common';
import { CustomersModule } from '../customers/customers.module.js';
import { DatabasesModule } from '../databases/databases.module.js';
import { FleetModule } from '../fleet/fleet.module.js';
import { HealthModule } from '../health/health.module.js';
import { BurnAlerts } from './burn-alerts.js';
import { EndpointProber } from './endpoint-prober.js';
import { OutageRecords } from './outage-records.js';
import { UptimeController } from './uptime.controller.js';
import { UptimeKeeper } from './uptime-keeper.js';
import { UptimeRequests } from './uptime.requests.js';
import { UptimeService } from './uptime.service.js';

@Module({
  imports: [FleetModule, CustomersModule, DatabasesModule, HealthModule],
  controllers: [UptimeController],
  providers: [OutageRecords, UptimeService, UptimeRequests, UptimeKeeper, EndpointProber, BurnAlerts],
})
export class UptimeModule {}
