import type { Vault } from '../../secrets/vault.js';
import type { Database, Instance } from '../../../clients/typescript/src/client.js';
import { CliError } from '../cli-error.js';
import type { ControlDirectory } from '../../supervisor/control-directory.js';
import { readPorts } from '../../supervisor/ports.js';
import { isAlive, type ProcessName } from '../../engine/local/machine/processes.js';
import { tellRedis } from '../../supervisor/redis-server.js';
import { openControlKeys } from '../../supervisor/sealed-keys.js';
import type { Fault } from './faults.js';
import { FleetMachine, signalAll } from './machine.js';

/** A fault that was injected. */
export interface Injected {
  /** Whether what was killed runs again, as far as no database tells. */
  readonly isRepaired: () => Promise<boolean>;
}

const REPAIRED: Injected = { isRepaired: () => Promise.resolve(true) };

/** Breaks parts of an embedded fleet on its own machine, and nothing but what the fault names. */
export class FaultInjector {
  readonly machine: FleetMachine;
  private readonly stopped: ProcessName[] = [];

  constructor(private readonly directory: ControlDirectory, private readonly openVault: () => Promise<Vault>) {
    this.machine = new FleetMachine(directory);
  }

  /** @throws CliError if the fault cannot be injected; then nothing was done. */
  async inject(fault: Fault, database: Database): Promise<Injected> {
    switch (fault) {
      case 'kill':
        return this.signal(this.machine.instanceProcesses(database, memberOf(database, 'primary')), 'SIGKILL');
      case 'hang':
        return this.signal(this.machine.instanceProcesses(database, memberOf(database, 'primary')), 'SIGSTOP');
      case 'standby-lost':
        return this.signal(this.machine.instanceProcesses(database, memberOf(database, 'standby')), 'SIGKILL');
      case 'host-lost':
        return this.signal(this.machine.hostProcesses(memberOf(database, 'primary').host), 'SIGKILL');
      case 'gateway-killed':
        return this.kill(`the gateway of ${database.region}`, () => this.machine.gatewayProcess(database.region));
      case 'worker-killed':
        return this.kill('the worker', () => this.machine.workerProcess());
      case 'redis-emptied':
        return this.emptyRedis();
    }
  }

  /** Lets go on what was stopped and still lives: nothing is left hanging when a drill ends early. */
  wakeStopped(): void {
    signalAll(this.stopped, 'SIGCONT');
  }

  private signal(processes: readonly ProcessName[], signal: 'SIGKILL' | 'SIGSTOP'): Injected {
    if (signal === 'SIGSTOP') this.stopped.push(...processes);
    signalAll(processes, signal);
    return REPAIRED;
  }

  private async kill(what: string, find: () => ProcessName | undefined | Promise<ProcessName | undefined>): Promise<Injected> {
    const target = await find();
    if (!target) {
      throw new CliError(
        `${what} has no process in ${this.directory.dataDir} that this account can see: is the fleet up, and is this root or its user?`,
      );
    }
    signalAll([target], 'SIGKILL');
    return { isRepaired: async () => !isAlive(target) && (await find()) !== undefined };
  }

  private async emptyRedis(): Promise<Injected> {
    const port = (await readPorts(this.directory))?.redis;
    const password = (await openControlKeys(this.directory, await this.openVault())).redisPassword;
    const emptied = port !== undefined && (await tellRedis(port, password, 'FLUSHALL', '+OK'));
    if (!emptied) {
      throw new CliError(
        `Redis cannot be emptied: this fleet keeps no Redis of its own on port ${port ?? '-'}; empty the one of REDIS_URL by hand`,
      );
    }
    return REPAIRED;
  }
}

function memberOf({ id, instances }: Database, role: 'primary' | 'standby'): Instance {
  const found = instances.find((instance) => instance.role === role && instance.state === 'running');
  if (!found) throw new CliError(`${id} has no ${role} that runs`);
  return found;
}
