import type pg from 'pg';

/** The steps of a failover follow one another in less. */
const KEPT_MS = 3_000;

interface Kept {
  readonly client: pg.Client;
  readonly forget: () => void;
  readonly end: () => void;
}

/**
 * Sessions of the control plane's that were left in order, each kept for a moment for the next who asks the same instance:
 * a new one takes 20 ms, for which clients wait at each step of a failover, and a host that loses many primaries twice as
 * long. A session that ends meanwhile is forgotten.
 */
export class ControlSessions {
  private readonly kept = new Map<string, Kept>();

  /** The session that is kept of an instance, which is the caller's from now on. */
  take(instanceId: string): pg.Client | undefined {
    const found = this.kept.get(instanceId);
    found?.forget();
    return found?.client;
  }

  /** Keeps a session for a moment, in place of the one that is kept already. */
  keep(instanceId: string, client: pg.Client, end: (client: pg.Client) => void): void {
    const before = this.take(instanceId);
    if (before) end(before);
    const forget = (): void => {
      clearTimeout(timer);
      client.off('end', forget);
      if (this.kept.get(instanceId)?.client === client) this.kept.delete(instanceId);
    };
    const timer = setTimeout(() => {
      forget();
      end(client);
    }, KEPT_MS).unref();
    client.once('end', forget);
    this.kept.set(instanceId, { client, forget, end: () => end(client) });
  }

  close(): void {
    for (const { forget, end } of [...this.kept.values()]) {
      forget();
      end();
    }
  }
}
