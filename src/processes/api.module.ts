import { type DynamicModule, Module } from '@nestjs/common';
import { APP_GUARD } from '@nestjs/core';
import { AccessGuard } from '../http/access.guard.js';
import { AuditController } from '../http/audit.controller.js';
import { BearerStrategy } from '../access/bearer.strategy.js';
import { BackupPolicyController, BackupsController } from '../backups/sets/backups.controller.js';
import { DumpLinksController } from '../backups/dumps/dump-links.controller.js';
import { DumpsController } from '../backups/dumps/dumps.controller.js';
import { RestoresController } from '../backups/restores/restores.controller.js';
import { BackupsModule } from '../backups/backups.module.js';
import { ControlPlaneModule, type Ground } from './control-plane.module.js';
import { ApiKeysController } from '../customers/api-keys.controller.js';
import { CustomersController } from '../customers/customers.controller.js';
import { CustomersModule } from '../customers/customers.module.js';
import { DatabasesController } from '../databases/databases.controller.js';
import { ExtensionsController } from '../databases/extensions.controller.js';
import { RolesController } from '../databases/roles.controller.js';
import { DatabasesModule } from '../databases/databases.module.js';
import { FleetModule } from '../fleet/fleet.module.js';
import { HostsController } from '../fleet/hosts.controller.js';
import { PlansController } from '../fleet/plans.controller.js';
import { RegionsController } from '../fleet/regions.controller.js';
import { HealthModule } from '../health/health.module.js';
import { AlertsController } from '../http/alerts.controller.js';
import { OperationsController } from '../http/operations.controller.js';
import { RelocationController } from '../relocation/relocation.controller.js';
import { RelocationModule } from '../relocation/relocation.module.js';
import { HealthController } from './health.controller.js';
import { MetricsService } from './metrics.service.js';
import { ProblemsController } from '../http/problems.controller.js';

const CONTROLLERS = [
  RegionsController, PlansController, HostsController, CustomersController, ApiKeysController, DatabasesController, ExtensionsController, RolesController, OperationsController,
  AlertsController, AuditController, BackupsController, BackupPolicyController, RestoresController, DumpsController, DumpLinksController, RelocationController, HealthController, ProblemsController,
];

/** Everything that answers over HTTP. It records requests and acts on nothing. */
@Module({})
export class ApiModule {
  static on(ground: Ground): DynamicModule {
    return {
      module: ApiModule,
      imports: [ControlPlaneModule.on(ground), FleetModule, CustomersModule, DatabasesModule, HealthModule, BackupsModule, RelocationModule],
      controllers: CONTROLLERS,
      providers: [
        BearerStrategy, MetricsService,
        { provide: APP_GUARD, useClass: AccessGuard },
      ],
    };
  }
}
