import { Module } from '@nestjs/common';
import { FleetRequests } from './fleet.requests.js';
import { TypeOrmModule } from '@nestjs/typeorm';
import { DataCenterEntity } from './data-center.entity.js';
import { FleetService } from './fleet.service.js';
import { HostEntity } from './host.entity.js';
import { HostsController } from './hosts.controller.js';
import { PlansController } from './plans.controller.js';
import { RegionEntity } from './region.entity.js';
import { RegionsController } from './regions.controller.js';

@Module({
  imports: [TypeOrmModule.forFeature([RegionEntity, DataCenterEntity, HostEntity])],
  controllers: [RegionsController, PlansController, HostsController],
  providers: [FleetService, FleetRequests],
  exports: [FleetService, FleetRequests],
})
export class FleetModule {}
