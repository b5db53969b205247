import { EngineError } from '../../../src/engine/errors.js';
import type { DatabaseEndpoint, DatabaseSpec, Effect, EndpointProof, GatewayPort, KeptGateway, RestrictedRoute, Route, RouteObservation } from '../../../src/engine/ports.js';
import type { Owner } from '../scheduler.js';
import { type DataPlane, Effects, type Guarded } from './effects.js';

/** The database's way through the gateway. */
export class SimulatedRoute implements Guarded {
  token = 0n;
  holder: { killed: boolean } | null = null;
  /** The instance that it leads to. */
  target: string;
  state: 'open' | 'closed' | 'paused' = 'open';
  /** Called when the clients are cut. */
  onCut: () => void = () => undefined;
  onMoved: () => void = () => undefined;
  /** Whether a client's transaction runs. */
  isBusy: () => boolean = () => false;

  constructor(target: string) {
    this.target = target;
  }
}

export class SimulatedGateway implements GatewayPort {
  private readonly effects: Effects;

  constructor(private readonly plane: DataPlane, private readonly route: SimulatedRoute, owner: Owner) {
    this.effects = new Effects(plane, owner);
  }

  open({ target }: Route, effect: Effect): Promise<void> {
    return this.act('open', effect, async () => {
      const { route } = this;
      if (route.target !== target.address) route.onCut();
      Object.assign(route, { state: 'open', target: target.address });
      this.plane.scheduler.note('', `route leads to ${target.address}`);
      route.onMoved();
    });
  }

  close(_: DatabaseSpec, effect: Effect): Promise<void> {
    return this.act('close', effect, async () => {
      this.route.state = 'closed';
      this.route.onCut();
    });
  }

  pause(_: DatabaseSpec, limitMs: number, effect: Effect): Promise<void> {
    return this.effects.act('pause', 'route', this.route, effect, async (onward) => {
      const { route, plane: { scheduler } } = this;
      const before = route.state;
      route.state = 'paused';
      const since = scheduler.now;
      while (route.isBusy()) {
        await onward('pausing', 20);
        if (scheduler.now - since < limitMs) continue;
        route.state = before;
        throw new EngineError('transient', 'the clients do not come to rest');
      }
    });
  }

  private act(verb: string, effect: Effect, body: () => Promise<void>): Promise<void> {
    return this.effects.act(verb, 'route', this.route, effect, body);
  }

  endpoint(): DatabaseEndpoint { return { host: 'route', port: 1, pooledPort: 2, readOnlyPort: 3, rootCertificatePath: null }; }
  slots(): number { return 1; }
  observe(): Promise<RouteObservation> { throw new Error('this verb is not simulated'); }
  certificateAuthority(): Promise<string> { return Promise.resolve(''); }
  restrict(): Promise<RestrictedRoute> { throw new Error('this verb is not simulated'); }
  remove(): Promise<void> { throw new Error('this verb is not simulated'); }
  verify(): Promise<EndpointProof> { throw new Error('this verb is not simulated'); }
  keep(): Promise<KeptGateway> { return Promise.resolve({ running: [], started: [], failed: [], certificate: null }); }
}
