import { DiscoveryService } from '@nestjs/core';

/** Work that a worker does by itself from its start to its stop: a watch, a keeper, the running of operations. */
export interface Duty {
  start(): void;
  /** Begins nothing more, and waits for what is at hand. Harmless when it was never started. */
  stop(): Promise<void>;
}

const IsDuty = DiscoveryService.createDecorator();

/** Marks a provider as a duty: a worker starts and stops each that its modules provide. Other processes construct it and never start it. */
export function RunsInWorker(target: new (...args: never[]) => Duty): void {
  IsDuty()(target);
}

/** The duties that the modules of an application provide. */
export function findDuties(discovery: DiscoveryService): readonly Duty[] {
  return discovery.getProviders({ metadataKey: IsDuty.KEY }).map(({ instance }) => instance as Duty);
}
