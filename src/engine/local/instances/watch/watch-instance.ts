import type { Client } from 'pg';

import type { InstanceGlimpse, InstanceInspection, InstanceWatch, StandbyObservation } from '../../../ports.js';
import { controlClient, cutConnection } from '../../sql/control-connection.js';
import { readPort, type InstanceContext } from '../../fleet/instance-context.js';
import { classifyFailure } from './classify-failure.js';
import { inspectThrough } from './inspect-instance.js';
import { knock } from './knock.js';
import { LSN_SQL, RECEIVING_SQL, STANDBYS_SQL } from './observe-instance.js';
import { REPLICATION_USER } from '../../sql/cluster-sql.js';

/**
 * One round trip of a prepared statement, so that watching a hundred instances costs next to nothing; what a look does
 * not need is left to `observe`.
 */
const LOOK = {
  name: 'look',
  rowMode: 'array',
  text: `SELECT pg_is_in_recovery(), ${LSN_SQL}, ${RECEIVING_SQL}, ${STANDBYS_SQL}`,
  values: [REPLICATION_USER],
} as const;

type LookRow = [standby: boolean, lsn: string | null, receiving: boolean, standbys: StandbyObservation[]];

/**
 * Each so many looks it is seen whether the postmaster still takes new clients. One that is stopped while its sessions
 * live serves those and nobody else, and a held connection alone would never tell.
 */
const KNOCK_EVERY = 20;

interface Held {
  readonly client: Client;
  /** The answer that is still owed; a server that wakes up gives it before anything else. */
  owed: Promise<InstanceGlimpse> | undefined;
  /** The same of an inspection. */
  owedInspection: Promise<InstanceInspection | undefined> | undefined;
}

/** A held connection to an instance, and what can be told when it is lost. It has no effect on the instance. */
export class LocalInstanceWatch implements InstanceWatch {
  private held: Held | undefined;
  private readonly listeners: (() => void)[] = [];
  private looks = 0;
  private missed = false;
  private unheard = false;
  private closed = false;

  constructor(
    private readonly context: InstanceContext,
    private readonly forget: () => void,
  ) {}

  async look(timeoutMs: number): Promise<InstanceGlimpse> {
    if (this.closed) return { sight: 'silent' };
    const glimpse = await this.see(performance.now() + timeoutMs);
    this.missed = glimpse.sight === 'silent';
    return glimpse;
  }

  async inspect(timeoutMs: number): Promise<InstanceInspection | undefined> {
    const { held } = this;
    // An answer that is still to come tells of a moment that is over.
    if (!held || held.owed || held.owedInspection) return undefined;
    held.owedInspection = inspectThrough(this.context, held.client).finally(() => {
      held.owedInspection = undefined;
    });
    return first(performance.now() + timeoutMs, [held.owedInspection.catch(() => undefined)]);
  }

  onClosed(call: () => void): void {
    this.listeners.push(call);
  }

  async close(): Promise<void> {
    this.closed = true;
    this.forget();
    const { held } = this;
    this.held = undefined;
    if (held) cutConnection(held.client);
  }

  private async see(until: number): Promise<InstanceGlimpse> {
    const { held } = this;
    if (!held) return this.seeAnew(until);
    const seen = await first(until, this.missed ? [this.askHeld(held), this.seeAnew(until)] : [this.askHeld(held)]);
    // It was closed while it was asked: a backend may have been killed, or the whole server.
    if (!seen) return this.held ? SILENT : this.seeAnew(until);
    return seen.sight === 'answers' ? this.seeWhetherItOpens(seen, until) : seen;
  }

  /** Never settles if the connection is lost: others tell then. */
  private askHeld(held: Held): Promise<InstanceGlimpse | undefined> {
    held.owed ??= ask(held.client).finally(() => {
      held.owed = undefined;
    });
    return held.owed.catch(() => {
      this.lose(held.client);
      return undefined;
    });
  }

  private async seeWhetherItOpens(seen: InstanceGlimpse, until: number): Promise<InstanceGlimpse> {
    this.looks += 1;
    if (!this.unheard && this.looks % KNOCK_EVERY !== 0) return seen;
    const port = await readPort(this.context);
    const sight = port === undefined ? 'refused' : await knock(this.context.address, port, until - performance.now());
    this.unheard = sight !== 'answers';
    return this.unheard ? { sight } : seen;
  }

  /** Opens a connection, to hold it if it answers. One reset on the way is tried again: its postmaster may just be dying. */
  private async seeAnew(until: number): Promise<InstanceGlimpse> {
    for (;;) {
      try {
        return await this.open(until);
      } catch (error) {
        const sight = classifyFailure(error);
        if (sight !== 'reset') return { sight };
        if (performance.now() >= until) return SILENT;
        await pause();
      }
    }
  }

  private async open(until: number): Promise<InstanceGlimpse> {
    const leftMs = Math.max(1, until - performance.now());
    if ((await readPort(this.context)) === undefined) return { sight: 'refused' };
    const client = await controlClient(this.context, { connectTimeoutMs: leftMs });
    client.on('error', () => this.lose(client));
    client.on('end', () => this.lose(client));
    try {
      await client.connect();
      const seen = await first(until, [ask(client)]);
      if (!seen) throw new Error('no answer in time');
      this.hold(client);
      return seen;
    } catch (error) {
      cutConnection(client);
      throw error;
    }
  }

  private hold(client: Client): void {
    const before = this.held;
    this.held = this.closed ? undefined : { client, owed: undefined, owedInspection: undefined };
    if (before) cutConnection(before.client);
    if (this.closed) cutConnection(client);
  }

  private lose(client: Client): void {
    if (this.held?.client !== client) return;
    this.held = undefined;
    cutConnection(client);
    for (const call of this.listeners) call();
  }
}

const SILENT: InstanceGlimpse = { sight: 'silent' };

async function ask(client: Client): Promise<InstanceGlimpse> {
  const { rows } = await client.query<LookRow>({ ...LOOK, values: [...LOOK.values] });
  const [standby, lsn, receiving, standbys] = rows[0] ?? [true, null, false, []];
  return {
    sight: 'answers',
    role: standby ? 'standby' : 'primary',
    ...(lsn === null ? {} : { lsn }),
    ...(standby ? { receiving } : { standbys }),
  };
}

/** The first of the answers to come; undefined if the time is over, or one says that it will not. */
async function first<Answer>(until: number, answers: readonly Promise<Answer | undefined>[]): Promise<Answer | undefined> {
  let timer: NodeJS.Timeout | undefined;
  const over = new Promise<undefined>((resolve) => {
    // Timers come before sockets are read: one that is late gives an answer that has come already its turn.
    timer = setTimeout(() => afterReading(() => resolve(undefined)), Math.max(0, until - performance.now()));
  });
  const given = answers.map((answer) =>
    answer.then((given) => given ?? (answers.length > 1 ? new Promise<never>(() => undefined) : undefined)),
  );
  return Promise.race([...given, over]).finally(() => clearTimeout(timer));
}

/** Encrypted answers take two turns: one for the socket, one for what was in it. */
function afterReading(call: () => void): void {
  setImmediate(() => setImmediate(call));
}

function pause(): Promise<void> {
  return new Promise((resolve) => {
    setTimeout(resolve, 20);
  });
}
