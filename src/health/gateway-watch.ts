import { Inject, Injectable } from '@nestjs/common';
import { reasonOf } from '../base/reason-of.js';
import type { Log } from '../telemetry/log.js';
import { LOG } from '../telemetry/log-token.js';
import { ENGINE } from '../engine/engine-token.js';
import type { Engine } from '../engine/ports.js';
import { Metadata } from '../metadata/metadata.js';
import { type Duty, RunsInWorker } from '../operations/duty.js';
import { Rounds } from '../operations/rounds.js';
import { CertificateAlert } from './certificate-alert.js';
import { GatewayAlerts } from './gateway-alerts.js';

/** How long a gateway may be dead before it is noticed. */
const LOOK_MS = 500;
/** The time that one look may take: a start, its wait included. */
const LOOK_TIMEOUT_MS = 10_000;
const SETTLE_MS = 10_000;

/** Starts again what has died of a region's gateway, and tells people. */
@RunsInWorker
@Injectable()
export class GatewayWatch implements Duty {
  private readonly alerts: GatewayAlerts;
  private readonly certificateAlert: CertificateAlert;
  /** One for each region, so that none waits for another; and the closing of alerts. */
  private readonly rounds: readonly Rounds[];

  constructor(@Inject(ENGINE) private readonly engine: Engine, metadata: Metadata, @Inject(LOG) private readonly log: Log) {
    this.alerts = new GatewayAlerts(metadata);
    this.certificateAlert = new CertificateAlert(metadata);
    this.rounds = [
      ...engine.inventory().map(({ id }) => this.watch(id)),
      new Rounds({ everyMs: SETTLE_MS, round: () => this.alerts.settle(), whenFailed: 'alerts of gateways could not be closed', log }),
    ];
  }

  start(): void {
    for (const rounds of this.rounds) rounds.start();
  }

  async stop(): Promise<void> {
    await Promise.all(this.rounds.map((rounds) => rounds.stop()));
  }

  private watch(region: string): Rounds {
    let lived: ReadonlySet<string> = new Set();
    const round = async (): Promise<void> => {
      lived = await this.look(region, lived);
    };
    return new Rounds({ everyMs: LOOK_MS, beginsAtOnce: true, round, whenFailed: 'gateway cannot be looked at', log: this.log });
  }

  /**
   * Looks once, of which rounds are made. What is started has died only if it ran at the look before: else it is the start of the
   * machine, or a route that has just been opened.
   */
  async look(region: string, lived: ReadonlySet<string>): Promise<ReadonlySet<string>> {
    try {
      const { running, started, failed, certificate } = await this.engine.gateway.keep(region, AbortSignal.timeout(LOOK_TIMEOUT_MS));
      await this.certificateAlert.tell(certificate)
        .catch((error: unknown) => this.log.warn({ reason: reasonOf(error) }, 'the alert of the certificate could not be recorded'));
      const died = started.filter((what) => lived.has(what));
      if (started.length > 0) this.log.warn({ region, started, died }, 'gateway started');
      if (died.length > 0) {
        await this.alerts.raise(region, died)
          .catch((error: unknown) => this.log.warn({ region, died, reason: reasonOf(error) }, 'the alert could not be recorded'));
      }
      return new Set([...running, ...started, ...failed.filter((what) => lived.has(what))]);
    } catch (error) {
      this.log.warn({ region, reason: reasonOf(error) }, 'gateway cannot be kept running');
      return lived;
    }
  }
}

