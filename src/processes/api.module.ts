import { type DynamicModule, Module } from '@nestjs/common';
import { BackupsModule } from '../backups/backups.module.js';
import { CustomersModule } from '../customers/customers.module.js';
import { DatabasesModule } from '../databases/databases.module.js';
import { FleetModule } from '../fleet/fleet.module.js';
import { HttpModule } from '../http/http.module.js';
import { MaintenanceModule } from '../maintenance/maintenance.module.js';
import { RelocationModule } from '../relocation/relocation.module.js';
import { UptimeModule } from '../uptime/uptime.module.js';
import { UsersModule } from '../users/users.module.js';
import { ControlPlaneModule, type Ground } from './control-plane.module.js';
import { MonitoringModule } from './monitoring.module.js';

/** Everything that answers over HTTP. It records requests and acts on nothing. */
@Module({})
export class ApiModule {
  static on(ground: Ground): DynamicModule {
    return {
      module: ApiModule,
      imports: [
        ControlPlaneModule.on(ground), FleetModule, CustomersModule, UsersModule, DatabasesModule, HttpModule, BackupsModule,
        RelocationModule, MaintenanceModule, UptimeModule, MonitoringModule,
      ],
    };
  }
}
