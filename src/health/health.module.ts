import { Module } from '@nestjs/common';
import { DatabasesModule } from '../databases/databases.module.js';
import { BootRecovery } from './boot-recovery.js';
import { FleetWatch } from './fleet-watch.js';
import { GatewayWatch } from './gateway-watch.js';
import { SightFeed } from './sight-feed.js';

@Module({
  imports: [DatabasesModule], providers: [BootRecovery, FleetWatch, GatewayWatch, SightFeed], exports: [BootRecovery, SightFeed],
})
export class HealthModule {}
