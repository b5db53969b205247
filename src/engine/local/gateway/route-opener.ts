import { EngineError } from '../../errors.js';
import type { GateSubject } from '../host-shell/gate.js';
import { commandFailure } from '../host-shell/tool-failure.js';
import type { GatewayProcess } from './gateway-process.js';
import type { RouteFile } from './route-file.js';

/** Routes whose clients are let in by one line of the gate. */
const MOST_AT_ONCE = 64;
/** What one turn may take: a start of the gateway, its wait included. */
const TURN_MS = 10_000;

interface Opening {
  readonly file: RouteFile;
  readonly subject: GateSubject;
  readonly end: (failure?: unknown) => void;
}

/**
 * Lets clients in through the routes of one gateway. Those that are to be opened while others are being opened go
 * together in the next turn: a lost host has many, and each turn costs a reload of them all.
 */
export class RouteOpener {
  private waiting: Opening[] = [];
  private isTurning = false;

  constructor(private readonly gateway: GatewayProcess) {}

  /**
   * @throws EngineError `transient` if the gateway does not lead the route where it should, `superseded` if a stronger
   *   caller has changed it meanwhile, `outcome-unknown` if the time was over
   */
  open(file: RouteFile, subject: GateSubject, signal: AbortSignal): Promise<void> {
    return new Promise((resolve, reject) => {
      const giveUp = (): void => opening.end(new EngineError('outcome-unknown', `the time was over while ${subject.name} was being opened`, 'observe it, then try again', { cause: signal.reason }));
      const opening: Opening = {
        file, subject,
        end: (failure) => {
          signal.removeEventListener('abort', giveUp);
          this.waiting = this.waiting.filter((each) => each !== opening);
          if (failure === undefined) resolve();
          else reject(failure instanceof Error ? failure : new Error(String(failure)));
        },
      };
      signal.addEventListener('abort', giveUp, { once: true });
      this.waiting.push(opening);
      void this.takeTurns();
    });
  }

  private async takeTurns(): Promise<void> {
    if (this.isTurning) return;
    this.isTurning = true;
    while (this.waiting.length > 0) {
      const openings = this.waiting.splice(0, MOST_AT_ONCE);
      await this.openAll(openings).catch((error: unknown) => openings.forEach(({ end }) => end(error)));
    }
    this.isTurning = false;
  }

  private async openAll(openings: readonly Opening[]): Promise<void> {
    const { shell } = this.gateway;
    const signal = AbortSignal.timeout(TURN_MS);
    const notTaken = await this.gateway.locked(signal, async (gate) => {
      // A stronger caller may have closed one since; what it wrote is looked at under the lock, and not what was written.
      const valid = await this.dropOlder(openings);
      await this.gateway.prepare(gate, signal);
      const files = valid.map(({ file }) => file);
      const result = await gate.run(await this.gateway.letInLine(files));
      // Clients whose route was closed wait until they are let in; a route that was open says that it was.
      const faults = result.stderr.split('\n').filter((line) => line.trim() !== '' && !/is not paused/.test(line));
      if (result.code !== 0 || faults.length > 0) throw commandFailure('letting clients in', { ...result, stderr: faults.join('\n') });
      return new Set(files.filter(({ name }) => result.stdout.split('\n').includes(`not taken: ${name}`)));
    });
    for (const { file, subject, end } of openings) {
      if (notTaken.has(file)) end(new EngineError('transient', `the gateway did not take the route ${file.name}`, 'see its log'));
      else await shell.refuseOlder(subject).then(() => end(), end);
    }
  }

  private async dropOlder(openings: readonly Opening[]): Promise<Opening[]> {
    const valid = await Promise.all(openings.map((opening) => this.gateway.shell.refuseOlder(opening.subject).then(() => opening, (error: unknown) => opening.end(error))));
    return valid.filter((opening) => opening !== undefined);
  }
}
