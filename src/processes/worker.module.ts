import { type DynamicModule, Module } from '@nestjs/common';
import { BackupsModule } from '../backups/backups.module.js';
import { DatabasesModule } from '../databases/databases.module.js';
import { FleetModule } from '../fleet/fleet.module.js';
import { HealthModule } from '../health/health.module.js';
import { RelocationModule } from '../relocation/relocation.module.js';
import { UptimeModule } from '../uptime/uptime.module.js';
import { UsersModule } from '../users/users.module.js';
import { ControlPlaneModule, type Ground } from './control-plane.module.js';

/** Everything that acts: operations, and what watches. The features' controllers are made, too, and nothing calls them: no server is. */
@Module({})
export class WorkerModule {
  static on(ground: Ground): DynamicModule {
    return {
      module: WorkerModule,
      imports: [
        ControlPlaneModule.on(ground), FleetModule, UsersModule, DatabasesModule, HealthModule, BackupsModule, RelocationModule,
        UptimeModule,
      ],
    };
  }
}
