import { Module } from '@nestjs/common';
import { FleetRequests } from './fleet.requests.js';
import { FleetService } from './fleet.service.js';
import { HostsController } from './hosts.controller.js';
import { PlansController } from './plans.controller.js';
import { RegionsController } from './regions.controller.js';

@Module({
  controllers: [RegionsController, PlansController, HostsController],
  providers: [FleetService, FleetRequests],
  exports: [FleetService, FleetRequests],
})
export class FleetModule {}
