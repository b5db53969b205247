import { Module } from '@nestjs/common';
import { FleetRequests } from './fleet.requests.js';
import { FleetService } from './fleet.service.js';

@Module({ providers: [FleetService, FleetRequests], exports: [FleetService, FleetRequests] })
export class FleetModule {}
