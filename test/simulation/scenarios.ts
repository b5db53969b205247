import { Faults } from './faults.js';
import type { Instance } from './engine/postgres.js';
import { DATABASE_ID } from './kernel/memory-records.js';
import { Violation } from './invariants.js';
import type { Rule, RulesOff } from './rules.js';
import type { Hold, Point } from './stage.js';
import { World } from './world.js';

/** An interleaving that was a hole before the rule that closes it. */
export interface Scenario {
  readonly rule: Rule;
  readonly name: string;
  readonly instances?: 3;
  /** Whether leaving the rule out alone opens the hole again; elsewhere another rule closes it too. */
  readonly isProof?: false;
  readonly run: (script: Script) => Promise<void>;
}

const STALL_MS = 40_000;

/** What a scenario says: hold this, kill that, wait for the other. */
export class Script {
  readonly world: World;
  readonly faults: Faults;
  readonly a: Instance;
  readonly b: Instance;
  readonly c: Instance;

  constructor({ instances }: Scenario, rulesOff: RulesOff = new Set()) {
    this.world = new World({ seed: 1, instances: instances ?? 2, rulesOff });
    this.faults = new Faults(this.world);
    [this.a, this.b] = [this.world.instances[0]!, this.world.instances[1]!];
    this.c = this.world.instances[2] ?? this.b;
  }

  async begin(): Promise<void> {
    this.world.start();
    await this.world.reach('a good beginning', () => this.world.isWell(0));
  }

  /** Everything is well in the end, whatever was done. */
  async end(): Promise<void> {
    this.faults.heal();
    const since = this.world.scheduler.now;
    await this.world.reach('a good end', () => this.world.isWell(since), 300_000);
  }

  run(ms: number): Promise<boolean> {
    return this.world.run(this.world.scheduler.now + ms);
  }

  /** The next effect of that kind does not go on from that point until it is released. */
  hold(verb: string, at = 'before', subject?: string): Hold {
    return this.world.stage.hold((point: Point) => point.verb === verb && point.at === at && (subject === undefined || point.subject === subject));
  }

  reach(hold: Hold): Promise<void> {
    return this.world.reach('the point', () => hold.isReached);
  }

  /** Stops an effect on its way, and the worker that asked for it, so that another worker takes over. */
  async oversleep(hold: Hold): Promise<void> {
    await this.reach(hold);
    const worker = this.world.workers.find(({ name }) => name === hold.point?.worker);
    if (worker) this.world.stallWorker(worker, STALL_MS);
  }

  /** What overslept goes on, and so does its worker. */
  async awaken(hold: Hold): Promise<void> {
    const { workers, scheduler } = this.world;
    for (const worker of workers) worker.stalledUntil = Math.min(worker.stalledUntil, scheduler.now);
    hold.release();
    await this.run(2_000);
  }

  async reachStep(kind: string, step: string): Promise<void> {
    await this.world.reach(`${kind} at ${step}`, () => {
      const running = this.world.store.running(DATABASE_ID);
      return running?.kind === kind && running.step === step;
    });
  }

  async reachIdle(): Promise<void> {
    await this.world.reach('the end of the operation', () => this.world.store.running(DATABASE_ID) === undefined);
  }

  async reachInSync(...ids: string[]): Promise<void> {
    await this.world.reach(`in sync: ${ids.join()}`, () => this.world.records.present.inSync.join() === ids.join());
  }

  async reachPrimary(instance: Instance): Promise<void> {
    await this.world.reach(`${instance.id} is the primary`, () => this.faults.primary === instance);
  }

  expect(what: string, isSo: boolean): void {
    if (!isSo) throw new Violation('script', `${what} is not so`);
  }
}

export async function runScenario(scenario: Scenario, rulesOff?: RulesOff): Promise<{ readonly script: Script; readonly violation: Violation | undefined }> {
  const script = new Script(scenario, rulesOff);
  try {
    await script.begin();
    await scenario.run(script);
    await script.end();
    return { script, violation: undefined };
  } catch (error) {
    if (!(error instanceof Violation)) throw error;
    return { script, violation: error };
  }
}

const failover = { kind: 'failover', forced: true, acceptDataLoss: false, reason: 'script' } as const;
const forced = { ...failover, acceptDataLoss: true } as const;

export const SCENARIOS: readonly Scenario[] = [
  {
    rule: '1', name: 'a stale promote wakes after an abort has started and routed the old primary',
    async run(script) {
      const promotes = [script.hold('promote'), script.hold('promote')];
      script.world.ask({ kind: 'switchover' });
      await script.reachIdle().catch(() => undefined);
      await script.reach(promotes[1]!);
      await script.reachIdle();
      script.expect('the old primary goes on', script.faults.primary === script.a && !script.a.marked);
      for (const promote of promotes) await script.awaken(promote);
    },
  },
  {
    rule: '1', name: 'a stale relax lands after the standby was recorded in sync again',
    async run(script) {
      const relax = script.hold('set-names');
      script.faults.kill(script.b);
      await script.oversleep(relax);
      await script.world.reach('out of sync', () => script.world.records.present.inSync.length === 0);
      await script.reachInSync('b');
      await script.reachIdle();
      await script.awaken(relax);
      script.faults.cut(script.a, script.b);
      await script.run(1_500);
    },
  },
  {
    rule: '1', name: 'a stale fence closes the route after the operation has ended',
    async run(script) {
      const close = script.hold('close');
      script.faults.kill(script.a);
      await script.oversleep(close);
      await script.reachPrimary(script.b);
      await script.reachIdle();
      await script.awaken(close);
      // Before anything that is asked for opens it again.
      script.expect('the route is open', script.world.route.state === 'open');
    },
  },
  {
    rule: '2', name: 'a stale "in sync" record lands after the link was cut',
    async run(script) {
      const record = script.hold('metadata', 'before', 'settle reprotect/synchronize');
      script.faults.kill(script.b);
      await script.oversleep(record);
      await script.reachInSync('b');
      await script.reachIdle();
      script.faults.cut(script.a, script.b);
      await script.world.reach('out of sync', () => script.world.records.present.inSync.length === 0);
      await script.world.reach('writing alone', () => script.a.data?.names.length === 0);
      await script.run(1_000);
      await script.awaken(record);
    },
  },
  {
    rule: '3a', name: 'commits stop waiting before the record says so',
    async run(script) {
      const relax = script.hold('metadata', 'before', 'settle reprotect/write-alone');
      script.faults.kill(script.b);
      await script.reach(relax);
      await script.run(1_000);
      relax.release();
    },
  },
  {
    rule: '3b', name: 'two standbys: the one that acknowledged leaves, the other is recorded in sync without the commit', instances: 3,
    async run(script) {
      script.faults.cut(script.a, script.b);
      await script.run(700);
      script.faults.kill(script.c);
      await script.run(20);
      script.world.ask({ kind: 'reprotect', reason: 'script' });
      await script.run(1_500);
    },
  },
  {
    rule: '3c', name: 'a standby is recorded in sync before it has flushed what was acknowledged without it',
    async run(script) {
      script.faults.kill(script.b);
      await script.reachStep('reprotect', 'synchronize');
      const names = script.hold('set-names');
      await script.reach(names);
      script.faults.cut(script.a, script.b);
      await script.run(1_000);
      names.release();
      await script.run(5_000);
    },
  },
  {
    rule: '3d', name: 'names set but not loaded, the standby recorded, the primary dies',
    async run(script) {
      script.faults.kill(script.b);
      await script.reachStep('reprotect', 'synchronize');
      script.world.postgres.checkpointerBusyMs = 4_000;
      await script.reachInSync('b');
      script.faults.cut(script.a, script.b);
      await script.run(1_000);
      script.faults.kill(script.a);
      script.world.postgres.checkpointerBusyMs = undefined;
    },
  },
  {
    rule: '4', name: 'two standbys, ANY 1: the one that acknowledged dies with the primary', instances: 3,
    async run(script) {
      script.faults.cut(script.a, script.b);
      await script.run(1_000);
      script.faults.kill(script.a);
      script.faults.kill(script.c);
      await script.run(10_000);
    },
  },
  {
    rule: '5', name: 'somebody starts the killed primary before the mark is written',
    async run(script) {
      const rejoin = script.hold('rejoin');
      script.faults.kill(script.a);
      script.faults.startByHand(script.a, 4_000);
      await script.reach(rejoin);
      await script.run(5_000);
      rejoin.release();
    },
  },
  {
    rule: '6', name: 'a reboot starts the cleanly stopped primary in the middle of a switchover',
    async run(script) {
      const promote = script.hold('promote');
      script.world.ask({ kind: 'switchover' });
      await script.reach(promote);
      script.faults.startByHand(script.a, 10);
      await script.run(100);
      promote.release();
      await script.run(1_000);
    },
  },
  {
    rule: '7', name: 'the first candidate dies, a second is elected, the first promotion wakes up', instances: 3,
    async run(script) {
      const promotes = [script.hold('promote', 'before', 'b'), script.hold('promote', 'before', 'b')];
      script.world.ask(forced);
      await script.reach(promotes[0]!);
      await script.reach(promotes[1]!);
      script.faults.hang(script.b, 600_000);
      const open = script.hold('open');
      await script.reach(open);
      script.world.postgres.wake(script.b);
      for (const promote of promotes) await script.awaken(promote);
      open.release();
    },
  },
  {
    rule: '8', name: 'a failover aborts while another worker elects', isProof: false,
    async run(script) {
      const elected = script.hold('metadata', 'before', 'settle failover/elect');
      script.faults.kill(script.a);
      await script.oversleep(elected);
      script.faults.loseDisk(script.b);
      await script.reachIdle();
      await script.awaken(elected);
      script.expect('the old primary goes on', script.faults.primary === script.a);
    },
  },
  {
    rule: '8', name: 'a fenced primary whose only standby is gone for good',
    async run(script) {
      const fence = script.hold('fence');
      script.faults.kill(script.a);
      await script.reach(fence);
      script.faults.loseDisk(script.b);
      fence.release();
      await script.run(30_000);
    },
  },
  {
    rule: '8', name: 'a promotion that keeps failing leaves the old primary', isProof: false,
    async run(script) {
      script.b.refusesPromotion = true;
      script.faults.kill(script.a);
      await script.reachStep('failover', 'promote');
      await script.reachIdle();
      script.expect('the old primary goes on', script.faults.primary === script.a && script.a.process !== null);
      script.b.refusesPromotion = false;
    },
  },
  {
    rule: '8', name: 'a promotion that keeps failing leads to the other standby', isProof: false, instances: 3,
    async run(script) {
      script.b.refusesPromotion = true;
      script.faults.kill(script.a);
      await script.run(60_000);
      script.expect('b is not the primary', script.faults.primary !== script.b);
      script.b.refusesPromotion = false;
    },
  },
  {
    rule: '7', name: 'a candidate was promoted, and never gets up again', isProof: false,
    async run(script) {
      const promoted = script.hold('promote', 'after');
      script.world.ask(failover);
      await script.reach(promoted);
      script.expect('b is promoted', script.b.process?.role === 'primary');
      for (const worker of [...script.world.workers]) script.world.killWorker(worker, 500);
      script.b.refusesStart = true;
      script.faults.kill(script.b);
      await script.run(200_000);
      script.expect('the old primary goes on', script.faults.primary === script.a && script.a.process !== null);
      script.b.refusesStart = false;
    },
  },
  {
    rule: '8', name: 'somebody promotes another standby while a failover looks for one', isProof: false, instances: 3,
    async run(script) {
      const promote = script.hold('promote', 'before', 'b');
      script.b.refusesPromotion = true;
      script.faults.kill(script.a);
      await script.reach(promote);
      script.faults.promoteByHand(script.c);
      promote.release();
      await script.reachStep('failover', 'hold');
      await script.run(20_000);
      script.expect('the old primary does not run beside it', script.a.process === null && script.c.process?.role === 'primary');
      script.b.refusesPromotion = false;
      script.faults.loseDisk(script.c);
    },
  },
  {
    rule: '9', name: 'the record of the old primary outlives the promotion',
    async run(script) {
      script.faults.kill(script.a);
      await script.reachPrimary(script.b);
      await script.reachIdle();
    },
  },
  {
    rule: '10', name: 'a stale rewind hits an instance that is in sync again', isProof: false,
    async run(script) {
      const rejoin = script.hold('rejoin');
      script.faults.kill(script.a);
      await script.oversleep(rejoin);
      await script.reachInSync('a');
      await script.reachIdle();
      const { process } = script.a;
      await script.awaken(rejoin);
      script.expect('nobody touched the standby', script.a.process === process);
    },
  },
  {
    rule: '10', name: 'a rebuild wipes the target, then its source turns out lost',
    async run(script) {
      const rejoin = script.hold('rejoin');
      script.faults.kill(script.a);
      await script.reach(rejoin);
      script.faults.loseDisk(script.b);
      rejoin.release();
      await script.run(20_000);
      script.world.ask(forced);
      await script.run(10_000);
    },
  },
  {
    rule: '11', name: 'a crash half-way through a rewind, and a reboot',
    async run(script) {
      const rewind = script.hold('rejoin', 'rewinding');
      script.faults.cut(script.a, script.b);
      await script.run(700);
      script.faults.kill(script.a);
      await script.run(100);
      script.world.postgres.heal();
      await script.reach(rewind);
      for (const worker of [...script.world.workers]) script.world.killWorker(worker, 1_000);
      script.faults.startByHand(script.a, 10);
      await script.run(500);
    },
  },
  {
    rule: '12', name: 'a forced failover, then the rewind of the only copy',
    async run(script) {
      const start = script.hold('start', 'before', 'b');
      script.faults.kill(script.b);
      await script.reach(start);
      await script.run(1_000);
      script.faults.kill(script.a);
      script.world.ask(forced);
      script.faults.startByHand(script.b, 10);
      await script.reachPrimary(script.b);
      start.release();
      await script.run(5_000);
    },
  },
  {
    rule: '12', name: 'the new primary\'s disk is lost while the old one stands fenced', isProof: false,
    async run(script) {
      const rejoin = script.hold('rejoin');
      script.faults.kill(script.a);
      await script.reach(rejoin);
      script.faults.loseDisk(script.b);
      script.world.ask(forced);
      await script.reachPrimary(script.a);
      rejoin.release();
    },
  },
  {
    rule: '13', name: 'the standby is down, then the primary dies and comes back',
    async run(script) {
      script.faults.isolate(script.b, 25_000);
      await script.world.reach('writing alone', () => script.a.data?.names.length === 0);
      await script.run(1_000);
      script.faults.kill(script.a);
      await script.run(10_000);
      script.expect('the primary is back', script.a.process !== null);
    },
  },
  {
    rule: '14', name: 'the dead primary\'s host cannot be reached',
    async run(script) {
      script.faults.isolate(script.a, 30_000);
      await script.run(60_000);
    },
  },
];
