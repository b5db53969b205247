import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { GATEWAY_ALERT, GatewayAlerts } from '../../src/health/gateway-alerts.js';
import { GatewayWatch } from '../../src/health/gateway-watch.js';
import { Metadata } from '../../src/metadata/metadata.js';
import { eventually } from '../support/servers.js';
import { openLaboratory } from './support/laboratory.js';

const laboratory = await openLaboratory();
const MINUTE_MS = 60_000;

interface FoundAlert {
  readonly key: string;
  readonly subjectId: string | null;
  readonly message: string;
}

const alerts = (): Promise<FoundAlert[]> =>
  laboratory.query(`SELECT key, subject_id AS "subjectId", message FROM alerts WHERE kind = $1 AND resolved_at IS NULL ORDER BY key`, [GATEWAY_ALERT]);

describe('a router or a pooler that dies', () => {
  const { engine } = laboratory;
  let databaseId: string;
  let watch: GatewayWatch;

  beforeAll(async () => {
    databaseId = await laboratory.makeDatabase('starter');
    // As after a reboot.
    engine.gatewaysDown.add('europe');
    engine.poolersDown.add(databaseId);
    watch = laboratory.get(GatewayWatch);
    watch.start();
  });
  afterAll(async () => {
    await watch.stop();
    await laboratory.close();
  });

  it('raises no alert when it is started with the control plane', async () => {
    await eventually('both to be started', () => engine.gatewaysDown.size + engine.poolersDown.size === 0);
    expect(await alerts()).toEqual([]);
  });

  it('raises none for a route that has just been opened', async () => {
    const { databaseId: other, operation } = await laboratory.requestDatabase('starter');
    engine.poolersDown.add(other);
    await laboratory.finish(operation.id);
    await eventually('it to be started', () => !engine.poolersDown.has(other));
    expect(await alerts()).toEqual([]);
  });

  it('is told with its database, until it has lived for ten minutes', async () => {
    const metadata = laboratory.get(Metadata);
    await eventually('an alert', async () => {
      engine.gatewaysDown.add('europe');
      engine.poolersDown.add(databaseId);
      return (await alerts()).length === 2;
    });
    expect(await alerts()).toEqual([
      { key: `gateway:${databaseId}`, subjectId: databaseId, message: expect.stringMatching(/^the pooler of db_.* died/) as string },
      { key: 'gateway:europe', subjectId: null, message: expect.stringMatching(/^the router of europe died/) as string },
    ]);
    await eventually('the last to be started', () => engine.gatewaysDown.size + engine.poolersDown.size === 0);
    await watch.stop();
    const settling = new GatewayAlerts(metadata);
    const begun = performance.now();
    await settling.settle(begun);
    await settling.settle(begun + 9 * MINUTE_MS);
    expect(await alerts()).toHaveLength(2);
    // It happens again.
    await settling.raise('europe', ['router']);
    await settling.settle(begun + 9.5 * MINUTE_MS);
    await settling.settle(begun + 11 * MINUTE_MS);
    expect((await alerts()).map(({ key }) => key)).toEqual(['gateway:europe']);
    await settling.settle(begun + 20 * MINUTE_MS);
    expect(await alerts()).toEqual([]);
  });

  it('is no reason to overlook a certificate that ends, which is told until it is renewed', async () => {
    const told = (): Promise<{ severity: string; message: string }[]> =>
      laboratory.query(`SELECT severity, message FROM alerts WHERE kind = 'certificate' AND resolved_at IS NULL`, []);
    const again = laboratory.get(GatewayWatch);
    for (const severity of ['warning', 'critical'] as const) {
      engine.certificateTrouble = { severity, message: `it is ${severity}` };
      await again.look('europe', new Set());
      expect(await told()).toEqual([{ severity, message: `it is ${severity}` }]);
    }
    engine.certificateTrouble = null;
    await again.look('europe', new Set());
    expect(await told()).toEqual([]);
  });
});
