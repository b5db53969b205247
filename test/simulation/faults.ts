import { primaryOf } from '../../src/databases/database-records.js';
import type { Instance } from './engine/postgres.js';
import type { World } from './world.js';

/** What may go wrong, as the spaces that the protocol was searched in have it. */
export class Faults {
  constructor(private readonly world: World) {}

  kill(instance: Instance): void {
    this.note(`kill ${instance.id}`);
    this.world.postgres.kill(instance);
  }

  /** Somebody starts an instance with what is there; the server begins only a while after it looked. */
  startByHand(instance: Instance, afterMs: number): void {
    const { scheduler, postgres } = this.world;
    const looksAgain = !this.world.options.rulesOff?.has('5');
    if (instance.marked || instance.process || !instance.data) return;
    this.note(`somebody starts ${instance.id}`);
    scheduler.schedule(afterMs, `${instance.id} begins by hand`, () => {
      if (!instance.process && instance.data && !(looksAgain && instance.marked)) postgres.start(instance);
    });
  }

  /** Somebody makes a standby accept writes, past everything that Freehold does. */
  promoteByHand(instance: Instance): void {
    const { process } = instance;
    if (!process) return;
    this.note(`somebody promotes ${instance.id}`);
    this.world.postgres.promote(process, -this.world.nextRecord());
  }

  cut(a: Instance, b: Instance): void {
    this.note(`cut ${a.id} from ${b.id}`);
    this.world.postgres.cut(a.id, b.id);
  }

  hang(instance: Instance, forMs: number): void {
    this.note(`hang ${instance.id}`);
    this.world.postgres.hang(instance);
    const { process } = instance;
    this.world.scheduler.schedule(forMs, `wake ${instance.id}`, () => { if (instance.process === process) this.world.postgres.wake(instance); });
  }

  /** Nobody in the region reaches the host; what runs on it goes on. */
  isolate(instance: Instance, forMs: number): void {
    this.note(`host of ${instance.id} cannot be reached`);
    instance.reachable = false;
    for (const other of this.world.instances) if (other !== instance) this.world.postgres.cut(instance.id, other.id);
    this.world.scheduler.schedule(forMs, `host of ${instance.id} is back`, () => {
      instance.reachable = true;
      this.world.postgres.heal();
    });
  }

  loseDisk(instance: Instance): void {
    this.note(`disk of ${instance.id} is lost`);
    this.world.postgres.kill(instance);
    instance.data = null;
    this.world.invariants.onDiskLost();
  }

  /** Ends what is still wrong: hosts are back, links whole, servers awake. */
  heal(): void {
    const { instances, postgres, workers, watcher, stage, scheduler } = this.world;
    this.note('faults are over');
    stage.isChaotic = false;
    for (const instance of instances) {
      instance.reachable = true;
      postgres.wake(instance);
    }
    postgres.heal();
    for (const owner of [...workers, watcher]) owner.stalledUntil = Math.min(owner.stalledUntil, scheduler.now);
  }

  get primary(): Instance {
    return this.world.postgres.byId(primaryOf(this.world.records.present).ref.id);
  }

  private note(what: string): void {
    this.world.scheduler.note('fault', what);
  }
}

/** Draws the faults of a random run: a few on the data plane, and many on the workers. */
export function planFaults(world: World, faults: Faults, lastsMs: number): void {
  const { random, scheduler, instances } = world;
  const anyone = (): Instance => (random.happens(0.6) ? faults.primary : random.pick(instances));
  let disks = 1;
  let forced = 1;
  const choices: (() => void)[] = [
    () => faults.kill(anyone()),
    () => faults.kill(anyone()),
    () => faults.startByHand(random.pick(instances), random.between(0, 1_500)),
    () => { for (const instance of instances) faults.startByHand(instance, random.between(0, 1_500)); },
    () => {
      const instance = anyone();
      faults.kill(instance);
      scheduler.schedule(random.between(0, 4_000), '', () => faults.startByHand(instance, random.between(0, 1_500)));
    },
    () => {
      const one = random.pick(instances);
      faults.cut(one, random.pick(instances.filter((other) => other !== one)));
      scheduler.schedule(random.between(500, 15_000), 'links are whole', () => world.postgres.heal());
    },
    () => faults.hang(anyone(), random.between(500, 20_000)),
    () => world.ask({ kind: 'switchover' }),
    () => world.ask({ kind: 'switchover' }),
    () => world.ask({ kind: 'failover', forced: true, acceptDataLoss: false, reason: 'operator' }),
    () => { if ((forced -= 1) >= 0) world.ask({ kind: 'failover', forced: true, acceptDataLoss: true, reason: 'operator' }); },
    () => faults.isolate(anyone(), random.between(1_000, 20_000)),
    () => { if ((disks -= 1) >= 0) faults.loseDisk(anyone()); },
  ];
  const count = random.whole(1, 4);
  for (let index = 0; index < count; index += 1) scheduler.schedule(random.between(200, lastsMs), '', () => random.pick(choices)());
  const blows = random.whole(0, 6);
  for (let index = 0; index < blows; index += 1) {
    scheduler.schedule(random.between(200, lastsMs + 5_000), '', () => {
      if (world.workers.length === 0) return;
      const worker = random.pick(world.workers);
      if (random.happens(0.4)) world.killWorker(worker, random.between(100, 6_000));
      else world.stallWorker(worker, random.between(500, 20_000));
    });
  }
}
