import { randomBytes } from 'node:crypto';

import type { DatabaseSpec, Effect, Engine, InstanceRef, Route } from '../../src/engine/ports.js';
import { scramVerifierSync } from '../../src/secrets/scram-verifier.js';

/** One engine under test; each engine brings a harness of its own to the one suite. */
export interface Harness {
  readonly engine: Engine;
  /** Leaves nothing behind. */
  close(): Promise<void>;
}

export interface TestDatabase {
  readonly spec: DatabaseSpec;
  readonly password: string;
  readonly primary: InstanceRef;
  readonly standby: InstanceRef;
  /** Raised by each call of {@link TestDatabase.effect}. */
  token: bigint;
  effect(timeoutMs?: number): Effect;
}

let accounts = 0;

/** Describes a new database with a primary and a standby in two data centres; makes nothing. */
export function describeDatabase(engine: Engine, region = 'europe', locale?: DatabaseSpec['locale'], names?: Pick<DatabaseSpec, 'name' | 'owner'>): TestDatabase {
  const suffix = randomBytes(4).toString('hex');
  const password = randomBytes(18).toString('base64url');
  accounts += 1;
  const spec: DatabaseSpec = {
    id: `db_${suffix}`,
    region,
    account: accounts,
    endpointSlot: accounts,
    name: names?.name ?? `shop-${suffix}`,
    owner: names?.owner ?? `shop-${suffix}`,
    ownerVerifier: scramVerifierSync(password),
    ...(locale && { locale }),
    size: { memoryMb: 256, maxConnections: 20, diskGb: 10 },
    secrets: { control: randomBytes(18).toString('base64url'), replication: randomBytes(18).toString('base64url'), volume: randomBytes(64).toString('base64') },
  };
  const centers = engine.inventory().find((candidate) => candidate.id === region)?.dataCenters ?? [];
  const hostOf = (center: number): string => centers[center]?.hosts[0]?.id ?? '';
  const database: TestDatabase = {
    spec,
    password,
    primary: { id: `ins_${suffix}A`, host: hostOf(0), database: spec },
    standby: { id: `ins_${suffix}B`, host: hostOf(1), database: spec },
    token: 0n,
    effect(timeoutMs = 90_000) {
      database.token += 1n;
      return { token: database.token, signal: AbortSignal.timeout(timeoutMs), trace: {} };
    },
  };
  return database;
}

/** Describes what another database is to be restored into: its names stay what they are. */
export const describeCopy = (engine: Engine, { spec }: Pick<TestDatabase, 'spec'>): TestDatabase => describeDatabase(engine, spec.region, undefined, spec);

/** Does what a provisioning does, verb by verb. */
export async function provision(engine: Engine, database: TestDatabase, observeStep: (name: string) => void = () => undefined): Promise<Route> {
  const { primary, standby } = database;
  const created = await engine.instances.createPrimary(primary, database.effect());
  observeStep('createPrimary');
  const attached = await engine.instances.attachStandby(standby, primary, database.effect());
  observeStep('attachStandby');
  const { lsn } = await engine.instances.setSynchronousStandbys(primary, [standby.id], database.effect());
  observeStep('setSynchronousStandbys');
  await engine.instances.waitForFlush(primary, standby.id, lsn, database.effect());
  observeStep('waitForFlush');
  const route: Route = { database: database.spec, target: { address: created.address, port: created.port ?? 0 }, readers: [{ address: attached.address, port: attached.port ?? 0 }] };
  await engine.gateway.open(route, database.effect());
  observeStep('open');
  await engine.gateway.verify(route, database.password, [standby], database.effect());
  observeStep('verify');
  return route;
}
