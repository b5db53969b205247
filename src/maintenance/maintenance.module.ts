import { Module } from '@nestjs/common';
import { TypeOrmModule } from '@nestjs/typeorm';
import { FleetModule } from '../fleet/fleet.module.js';
import { MaintenanceController } from './maintenance.controller.js';
import { MaintenanceRequests } from './maintenance.requests.js';
import { MaintenanceService } from './maintenance.service.js';
import { MaintenanceWindowEntity } from './maintenance-window.entity.js';

@Module({
  imports: [TypeOrmModule.forFeature([MaintenanceWindowEntity]), FleetModule],
  controllers: [MaintenanceController],
  providers: [MaintenanceService, MaintenanceRequests],
})
export class MaintenanceModule {}
