import type { Invariants } from './invariants.js';
import type { Postgres, Postmaster } from './engine/postgres.js';
import type { SimulatedRoute } from './engine/simulated-gateway.js';
import type { Random } from '../support/random.js';
import type { Scheduler } from './scheduler.js';

export interface ClientParts {
  readonly scheduler: Scheduler;
  readonly random: Random;
  readonly postgres: Postgres;
  readonly route: SimulatedRoute;
  readonly invariants: Invariants;
  readonly nextRecord: () => number;
}

/** Writes numbered commits, one after the other, and remembers which were acknowledged. */
export class Client {
  private server: Postmaster | null = null;
  private waiting: { cut: boolean } | null = null;
  lastAcknowledgedAt = -1;

  /** @param isDirect it goes past the gateway, and holds on to its server for as long as that lives */
  constructor(private readonly parts: ClientParts, private readonly isDirect: boolean) {}

  get isBusy(): boolean {
    return !this.isDirect && this.waiting !== null && this.server?.alive === true;
  }

  start(): void {
    this.parts.scheduler.schedule(this.parts.random.between(50, 600), '', () => {
      this.write();
      this.start();
    });
  }

  /** The gateway cuts its clients; those that hold a connection past it stay. */
  cut(): void {
    if (this.isDirect) return;
    if (this.waiting) this.waiting.cut = true;
    this.waiting = null;
    this.server = null;
  }

  private write(): void {
    const { postgres, route, invariants, scheduler } = this.parts;
    if (this.server && !this.server.alive) {
      this.server = null;
      this.waiting = null;
    }
    if (this.waiting || (!this.isDirect && route.state !== 'open')) return;
    this.server ??= route.state === 'open' ? postgres.byId(route.target).process : null;
    const server = this.server;
    if (!server || server.hung || server.role !== 'primary' || !server.instance.data || (!this.isDirect && !server.instance.reachable)) return;
    const record = this.parts.nextRecord();
    const position = server.instance.data.wal.length;
    const mine = { cut: false };
    this.waiting = mine;
    postgres.commit(server, record, () => {
      // Nobody hears an answer through a connection that was cut.
      if (mine.cut || (!this.isDirect && !server.instance.reachable)) return;
      this.waiting = null;
      this.lastAcknowledgedAt = scheduler.now;
      scheduler.note('client', `commit ${record} acknowledged by ${server.instance.id}`);
      invariants.onAcknowledged(record, position);
    });
  }
}
