import { Module } from '@nestjs/common';
import { DatabasesModule } from '../databases/databases.module.js';
import { BootRecovery } from './boot-recovery.js';
import { FleetWatch } from './fleet-watch.js';
import { GatewayWatch } from './gateway-watch.js';

@Module({ imports: [DatabasesModule], providers: [BootRecovery, FleetWatch, GatewayWatch], exports: [BootRecovery] })
export class HealthModule {}
