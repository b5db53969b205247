import { Inject, Module, type OnModuleInit } from '@nestjs/common';
import { TypeOrmModule } from '@nestjs/typeorm';
import type { EntityManager } from 'typeorm';
import { Vault } from '../secrets/vault.js';
import { ENGINE } from '../engine/engine-token.js';
import type { Engine } from '../engine/ports.js';
import { CustomersModule } from '../customers/customers.module.js';
import { FleetModule } from '../fleet/fleet.module.js';
import { newId } from '../metadata/ids.js';
import { OperationRegistry } from '../operations/registry.js';
import { AllowListKeeper } from './allow-list-keeper.js';
import { AllowListRequests } from './allow-list.requests.js';
import { AllowListsController } from './allow-lists.controller.js';
import { AllowListsService } from './allow-lists.service.js';
import { MetadataDatabaseRecords } from './database-records.js';
import { DatabaseRequests } from './database.requests.js';
import { ExtensionRequests } from './extension.requests.js';
import { RefusalRequests } from './refusal.requests.js';
import { RoleRequests } from './role.requests.js';
import { DatabaseEntity } from './database.entity.js';
import { DatabasesController } from './databases.controller.js';
import { DatabasesService } from './databases.service.js';
import { ExtensionsController } from './extensions.controller.js';
import { ExtensionsService } from './extensions.service.js';
import { InstancePlaces } from './instance-places.js';
import { InstanceEntity } from './instance.entity.js';
import { KeptCopyEntity } from './kept-copy.entity.js';
import { createExtensionOperation } from './operations/create-extension.operation.js';
import { dropExtensionOperation } from './operations/drop-extension.operation.js';
import { dropRoleOperation } from './operations/drop-role.operation.js';
import { failoverOperation } from './operations/failover.operation.js';
import { provisionOperation } from './operations/provision.operation.js';
import { recoverOperation } from './operations/recover.operation.js';
import { releaseKeptOperation } from './operations/release-kept.operation.js';
import { relocateOperation } from './operations/relocate.operation.js';
import { reprotectOperation } from './operations/reprotect.operation.js';
import { rotatePasswordOperation } from './operations/rotate-password.operation.js';
import { setAllowListOperation } from './operations/set-allow-list.operation.js';
import { setRoleOperation } from './operations/set-role.operation.js';
import { switchoverOperation } from './operations/switchover.operation.js';
import { PasswordKeeper } from './password-keeper.js';
import { RolesController } from './roles.controller.js';
import { RefusalsController } from './refusals.controller.js';
import { RolesService } from './roles.service.js';

@Module({
  imports: [TypeOrmModule.forFeature([DatabaseEntity, InstanceEntity, KeptCopyEntity]), CustomersModule, FleetModule],
  controllers: [DatabasesController, AllowListsController, ExtensionsController, RefusalsController, RolesController],
  providers: [
    DatabasesService, DatabaseRequests, PasswordKeeper, AllowListsService, AllowListRequests, AllowListKeeper, ExtensionsService,
    ExtensionRequests, RefusalRequests, RolesService, RoleRequests, InstancePlaces, MetadataDatabaseRecords,
  ],
  exports: [DatabasesService, DatabaseRequests, InstancePlaces, MetadataDatabaseRecords],
})
export class DatabasesModule implements OnModuleInit {
  constructor(
    private readonly registry: OperationRegistry<EntityManager>,
    private readonly records: MetadataDatabaseRecords,
    private readonly places: InstancePlaces,
    private readonly vault: Vault,
    @Inject(ENGINE) private readonly engine: Engine,
  ) {}

  onModuleInit(): void {
    const { engine, records, vault } = this;
    const reserve = (tx: EntityManager, databaseId: string): Promise<void> => this.places.reserve(tx, databaseId);
    this.registry.register(provisionOperation({ engine, records, vault, reserve }));
    this.registry.register(recoverOperation({ engine, records }));
    this.registry.register(rotatePasswordOperation({ engine, records }));
    this.registry.register(setAllowListOperation({ engine, records }));
    this.registry.register(createExtensionOperation({ engine, records }));
    this.registry.register(dropExtensionOperation({ engine, records }));
    this.registry.register(setRoleOperation({ engine, records }));
    this.registry.register(dropRoleOperation({ engine, records }));
    this.registry.register(failoverOperation({ engine, records }));
    this.registry.register(switchoverOperation({ engine, records }));
    this.registry.register(reprotectOperation({ engine, records }));
    this.registry.register(releaseKeptOperation({ engine, records }));
    this.registry.register(relocateOperation({
      engine, records, newInstanceId: () => newId('instance'),
      reserveStandby: (tx: EntityManager, ...standby) => this.places.reserveStandby(tx, ...standby),
    }));
  }
}
