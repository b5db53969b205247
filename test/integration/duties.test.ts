import { type DynamicModule, Injectable, Module } from '@nestjs/common';
import { DiscoveryModule, DiscoveryService, NestFactory } from '@nestjs/core';
import { afterAll, describe, expect, it } from 'vitest';
import { type Duty, findDuties, RunsInWorker } from '../../src/operations/duty.js';
import { startWorker } from '../../src/processes/start-worker.js';
import { openLaboratory } from '../faults/support/laboratory.js';

const laboratory = await openLaboratory();
afterAll(() => laboratory.close());

const told: string[] = [];

class Told implements Duty {
  start(): void {
    told.push(`${this.constructor.name} starts`);
  }

  stop(): Promise<void> {
    told.push(`${this.constructor.name} stops`);
    return Promise.resolve();
  }
}

@RunsInWorker
@Injectable()
class Watch extends Told {}

@RunsInWorker
@Injectable()
class Keeper extends Told {}

@Injectable()
class Bystander extends Told {}

@Module({})
class OneFeature {}

@Module({})
class AnotherFeature {}

@Module({})
class Worker {}

describe('duties', () => {
  it('are started and stopped by their worker, whatever module provides them', async () => {
    const features: DynamicModule[] = [
      { module: OneFeature, providers: [Watch, Bystander] }, { module: AnotherFeature, providers: [Keeper] },
    ];
    const app = await NestFactory.createApplicationContext({ module: Worker, imports: [DiscoveryModule, ...features] }, { logger: false });
    await startWorker(app).stop();
    await app.close();
    expect(told).toEqual(['Watch starts', 'Keeper starts', 'Watch stops', 'Keeper stops']);
  });

  it('are all that the features provide to be started and stopped', () => {
    const discovery = laboratory.get(DiscoveryService);
    const startable = discovery.getProviders().map(({ instance }) => instance as Partial<Duty> | null)
      .filter((instance) => typeof instance?.start === 'function' && typeof instance.stop === 'function');
    expect(startable.length).toBeGreaterThan(5);
    expect(new Set(findDuties(discovery))).toEqual(new Set(startable));
  });
});
