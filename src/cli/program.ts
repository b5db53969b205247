import { Command } from 'commander';

import { auditCommands } from './client/audit-commands.js';
import { backupCommands, restoreCommand } from './client/backup-commands.js';
import { databaseCommands } from './client/database-commands.js';
import { dumpCommand } from './client/dump-command.js';
import { extensionCommands } from './client/extension-commands.js';
import { roleCommands } from './client/role-commands.js';
import { customerCommands, inventoryCommands } from './client/list-commands.js';
import { maintenanceCommands } from './client/maintenance-commands.js';
import { operationCommands } from './client/operation-commands.js';
import { promotionCommands } from './client/promotion-commands.js';
import { relocationCommands } from './client/relocation-commands.js';
import { uptimeCommands } from './client/uptime-commands.js';
import { userCommands } from './client/user-commands.js';
import { drillCommand } from './drill/drill-command.js';
import { fleetCommands } from '../supervisor/fleet-commands.js';
import { hideSecrets } from './hide-secrets.js';

/** The `freehold` command: the embedded fleet of this machine, and clients of any Freehold's API. */
export function program(version: string): Command {
  const freehold = new Command('freehold')
    .description('a PostgreSQL of their own for every customer, kept alive and backed up')
    .version(version, '--version')
    .showHelpAfterError('(freehold --help lists the commands, freehold <command> --help their options)')
    .configureHelp({ showGlobalOptions: true })
    .configureOutput({ outputError: (text, write) => write(hideSecrets(text)) });
  const commands = [
    ...fleetCommands(),
    databaseCommands(),
    extensionCommands(),
    roleCommands(),
    backupCommands(),
    restoreCommand(),
    dumpCommand(),
    ...promotionCommands(),
    ...relocationCommands(),
    maintenanceCommands(),
    drillCommand(),
    operationCommands(),
    auditCommands(),
    customerCommands(),
    userCommands(),
    ...inventoryCommands(),
    ...uptimeCommands(),
  ];
  for (const command of commands) freehold.addCommand(command);
  throwInsteadOfExit(freehold);
  return freehold;
}

/** Commands that were made apart do not inherit these settings. */
function throwInsteadOfExit(command: Command): void {
  for (const child of command.commands) {
    child.copyInheritedSettings(command);
    throwInsteadOfExit(child);
  }
  command.exitOverride();
}
