import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { Transition } from '../../src/operations/decide-transition.js';
import type { Recording } from '../../src/operations/definition.js';
import { type NewOperation, OperationInTheWayError, type OperationStore, type StepPlan } from '../../src/operations/store.js';

export interface KeptOperation {
  readonly state: string;
  readonly step: string;
  readonly direction: string;
  readonly attempt: number;
  readonly found: Record<string, unknown>;
}

/** A store, and what the suite has to see and to do beside it. */
export interface StoreHarness<Tx> {
  readonly store: OperationStore<Tx>;
  request(operation: NewOperation): Promise<unknown>;
  find(id: string): Promise<KeptOperation>;
  token(fenceId: string): Promise<bigint>;
  /** Lets a lease run out, and what waits become due, at once. */
  hasten(id: string): Promise<void>;
  /** Writes a mark in the transaction that records a step. */
  mark(text: string): Recording<Tx>;
  marks(): Promise<string[]>;
  close(): Promise<void>;
}

const STEPS: readonly StepPlan[] = [{ name: 'one', deadlineMs: 60_000 }, { name: 'two', deadlineMs: 60_000 }];
const TO_TWO: Transition = { type: 'enter', step: 'two', direction: 'forward' };
const LEASE_MS = 60_000;

const operation = (id: string, more: Partial<NewOperation> = {}): NewOperation => ({
  id, kind: 'change', subjectId: 'db_1', ownerId: null, exclusive: true, queue: 'changes', input: {}, sealed: null, steps: STEPS,
  deadlineMs: 60_000, requestedBy: 'test', requestId: null, preempts: () => false, ...more,
});

/** What the kernel expects of every store: the simulated one is as strict as the one in the metadata database. */
export function describeOperationStore<Tx>(name: string, open: () => Promise<StoreHarness<Tx>>): void {
  describe(`operations kept ${name}`, () => {
    let harness: StoreHarness<Tx>;
    beforeEach(async () => { harness = await open(); });
    afterEach(async () => { await harness.close(); });

    const claim = async (id: string, worker = 'w1') => {
      const held = await harness.store.claim(id, worker, LEASE_MS);
      if (!held) throw new Error(`${worker} could not claim ${id}`);
      return held;
    };

    it('raise the token with every request, claim and step', async () => {
      await harness.request(operation('op_1'));
      const requested = await harness.token('db_1');
      const held = await claim('op_1');
      const next = await harness.store.settle(held, TO_TWO, { found: { a: 1 } }, STEPS);
      expect(held.token).toBeGreaterThan(requested);
      expect(next!.token).toBeGreaterThan(held.token);
      expect(await harness.token('db_1')).toBe(next!.token);
      expect(next!.operation).toMatchObject({ step: 'two', attempt: 1, found: { a: 1 } });
    });

    it('are held by one worker until its lease runs out, and an attempt is counted for each who takes them', async () => {
      await harness.request(operation('op_1'));
      await claim('op_1');
      expect(await harness.store.claim('op_1', 'w2', LEASE_MS)).toBeUndefined();
      await harness.hasten('op_1');
      expect((await claim('op_1', 'w2')).operation.attempt).toBe(2);
    });

    it('change nothing for whoever lost them, the findings included', async () => {
      await harness.request(operation('op_1'));
      const stale = await claim('op_1');
      await harness.hasten('op_1');
      const fresh = await claim('op_1', 'w2');
      expect(await harness.store.settle(stale, TO_TWO, { found: { stale: true }, record: harness.mark('stale') }, STEPS)).toBeUndefined();
      expect(await harness.store.extend(stale, LEASE_MS)).toBe(false);
      expect(await harness.store.extend(fresh, LEASE_MS)).toBe(true);
      expect(await harness.find('op_1')).toMatchObject({ step: 'one', found: {} });
      expect(await harness.marks()).toEqual([]);
      await harness.store.settle(fresh, TO_TWO, { record: harness.mark('fresh') }, STEPS);
      expect(await harness.marks()).toEqual(['fresh']);
    });

    it('record a step and its findings together, or neither', async () => {
      await harness.request(operation('op_1'));
      const held = await claim('op_1');
      const broken: Recording<Tx> = async (tx) => {
        await harness.mark('half')(tx);
        throw new Error('the connection broke');
      };
      await expect(harness.store.settle(held, TO_TWO, { record: broken }, STEPS)).rejects.toThrow('the connection broke');
      expect(await harness.marks()).toEqual([]);
      expect(await harness.token('db_1')).toBe(held.token);
    });

    it('are let go to wait, and are taken again when they are due', async () => {
      await harness.request(operation('op_1'));
      await harness.store.settle(await claim('op_1'), { type: 'again', inMs: 60_000, reason: 'rain', alert: false }, {}, STEPS);
      expect(await harness.store.claim('op_1', 'w2', LEASE_MS)).toBeUndefined();
      expect(await harness.store.takeDue(10, 0)).toEqual([]);
      await harness.hasten('op_1');
      expect(await harness.store.takeDue(10, 60_000)).toEqual([{ id: 'op_1', queue: 'changes' }]);
      expect(await harness.store.takeDue(10, 60_000)).toEqual([]);
      expect((await claim('op_1')).operation.attempt).toBe(2);
    });

    it('count what failed as an attempt, and a wait not', async () => {
      await harness.request(operation('op_1'));
      for (let looks = 0; looks < 3; looks += 1) {
        const held = await claim('op_1');
        expect(held.operation.attempt).toBe(1);
        await harness.store.settle(held, { type: 'again', inMs: 0, reason: 'rain', alert: false, waits: true }, {}, STEPS);
        await harness.hasten('op_1');
      }
      await harness.store.settle(await claim('op_1'), { type: 'again', inMs: 0, reason: 'a fault', alert: false }, {}, STEPS);
      await harness.hasten('op_1');
      expect((await claim('op_1')).operation.attempt).toBe(2);
    });

    it('are given back between two steps without an attempt being counted', async () => {
      await harness.request(operation('op_1'));
      await harness.store.release(await claim('op_1'));
      expect((await claim('op_1', 'w2')).operation.attempt).toBe(1);
    });

    it('are one at a time for a subject, unless one may end the other', async () => {
      await harness.request(operation('op_1'));
      const held = await claim('op_1');
      await expect(harness.request(operation('op_2'))).rejects.toBeInstanceOf(OperationInTheWayError);
      expect(await harness.token('db_1')).toBe(held.token);
      await harness.request(operation('op_3', { exclusive: false }));
      await harness.request(operation('op_4', { preempts: (kind, step) => kind === 'change' && step === 'one' }));
      expect((await harness.find('op_1')).state).toBe('cancelled');
      expect(await harness.token('db_1')).toBeGreaterThan(held.token);
      expect(await harness.store.settle(held, TO_TWO, {}, STEPS)).toBeUndefined();
      expect(await harness.store.claim('op_1', 'w2', LEASE_MS)).toBeUndefined();
    });

    it('are over when they have ended', async () => {
      await harness.request(operation('op_1'));
      expect(await harness.store.settle(await claim('op_1'), { type: 'end', state: 'succeeded' }, { found: { b: 2 } }, STEPS)).toBeUndefined();
      expect(await harness.find('op_1')).toMatchObject({ state: 'succeeded', found: { b: 2 } });
      await harness.hasten('op_1');
      expect(await harness.store.claim('op_1', 'w2', LEASE_MS)).toBeUndefined();
      await expect(harness.request(operation('op_2'))).resolves.toBeDefined();
    });
  });
}
