import type { Random } from '../support/random.js';
import type { Owner, Scheduler } from './scheduler.js';

/** A moment between two parts of something that takes time: where it may be slow, be overtaken, stall or end. */
export interface Point {
  readonly verb: string;
  readonly subject: string;
  /** `before` and `after` an effect, or the name of a stage within. */
  readonly at: string;
  readonly token?: bigint;
  readonly worker?: string;
}

/** Something that a script has stopped at a point. */
export interface Hold {
  readonly isReached: boolean;
  readonly point: Point | undefined;
  release(): void;
}

interface PlannedHold extends Hold {
  readonly matches: (point: Point) => boolean;
  park(point: Point, go: () => void): void;
}

/** How long things take. Calm in scripts and in the end; while chaos lasts some take far too long. */
export class Stage {
  isChaotic = false;
  /** How often something takes far too long. */
  sleepiness = 0.01;
  private holds: PlannedHold[] = [];

  constructor(private readonly scheduler: Scheduler, private readonly random: Random) {}

  /** Goes on after a while: not before its owner is awake, and not while a script holds it. */
  pass(point: Point, owner?: Owner, delay: number = this.latency()): Promise<void> {
    return new Promise((resolve) => {
      const go = (): void => {
        this.scheduler.disturb();
        resolve();
      };
      this.scheduler.schedule(delay, describe(point), () => {
        const hold = this.holds.find((planned) => !planned.isReached && planned.matches(point));
        if (hold) hold.park(point, () => this.scheduler.schedule(0, `${describe(point)} (released)`, go, owner));
        else go();
      }, owner);
    });
  }

  /** Stops the next thing that comes to such a point. */
  hold(matches: (point: Point) => boolean): Hold {
    let go: (() => void) | undefined;
    let reached: Point | undefined;
    const scheduler = this.scheduler;
    const hold: PlannedHold = {
      matches,
      get isReached() { return reached !== undefined; },
      get point() { return reached; },
      park: (point, call) => {
        scheduler.note('script', `holds ${describe(point)}`);
        reached = point;
        go = call;
      },
      release: () => {
        this.holds = this.holds.filter((other) => other !== hold);
        go?.();
      },
    };
    this.holds.push(hold);
    return hold;
  }

  private latency(): number {
    if (this.isChaotic) {
      const draw = this.random.next();
      if (draw < this.sleepiness) return this.random.between(2_000, 30_000);
      if (draw < 4 * this.sleepiness) return this.random.between(50, 2_000);
    }
    return this.random.between(0.2, 4);
  }
}

function describe({ verb, subject, at, token }: Point): string {
  return `${verb} ${subject} ${at}${token === undefined ? '' : ` #${token}`}`;
}
