import { Module, type OnModuleInit } from '@nestjs/common';
import type { EntityManager } from 'typeorm';
import { DatabasesModule } from '../databases/databases.module.js';
import { FleetModule } from '../fleet/fleet.module.js';
import { OperationRegistry } from '../operations/registry.js';
import { RelocationService } from './relocation.service.js';
import { vacateOperation } from './vacate.operation.js';

@Module({ imports: [FleetModule, DatabasesModule], providers: [RelocationService], exports: [RelocationService] })
export class RelocationModule implements OnModuleInit {
  constructor(private readonly registry: OperationRegistry<EntityManager>, private readonly relocation: RelocationService) {}

  onModuleInit(): void {
    const { relocation } = this;
    this.registry.register(vacateOperation<EntityManager>({
      occupants: (hostIds) => relocation.occupants(hostIds), ask: (move, input, by) => relocation.ask(move, input, by),
      report: (operationId) => relocation.report(operationId),
    }));
  }
}
