import { Module, type OnModuleInit } from '@nestjs/common';
import type { EntityManager } from 'typeorm';
import { BackupsModule } from '../backups/backups.module.js';
import { DatabasesModule } from '../databases/databases.module.js';
import { FleetModule } from '../fleet/fleet.module.js';
import { OperationRegistry } from '../operations/registry.js';
import { RedundancyKeeper } from './redundancy-keeper.js';
import { RelocationController } from './relocation.controller.js';
import { RelocationRequests } from './relocation.requests.js';
import { RelocationService } from './relocation.service.js';
import { vacateOperation } from './vacate.operation.js';

@Module({
  imports: [FleetModule, DatabasesModule, BackupsModule],
  controllers: [RelocationController],
  providers: [RelocationService, RelocationRequests, RedundancyKeeper],
})
export class RelocationModule implements OnModuleInit {
  constructor(private readonly registry: OperationRegistry<EntityManager>, private readonly relocation: RelocationService) {}

  onModuleInit(): void {
    const { relocation } = this;
    this.registry.register(vacateOperation<EntityManager>({
      moves: (input, operationId) => relocation.moves(input, operationId), ask: (move, input, by) => relocation.ask(move, input, by),
      callOff: (operationId) => relocation.callOff(operationId),
      countGoing: (operationId) => relocation.countGoing(operationId),
      report: (operationId, input) => relocation.report(operationId, input),
    }));
  }
}
