import { Module } from '@nestjs/common';
import { DatabasesModule } from '../databases/databases.module.js';
import { BootRecovery } from './boot-recovery.js';
import { GatewayWatch } from './gateway-watch.js';

@Module({ imports: [DatabasesModule], providers: [BootRecovery, GatewayWatch], exports: [BootRecovery, GatewayWatch] })
export class HealthModule {}
