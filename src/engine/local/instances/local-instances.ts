import { reasonOf } from '../../../base/reason-of.js';
import { EngineError } from '../../errors.js';
import type { ExtensionObservation } from '../../extension-list.js';
import type { RoleObservation, WantedRole } from '../../role-names.js';
import type {
  Effect, InstanceObservation, InstanceRef, InstancesPort, InstanceWatch, KeptCopy, Lsn, OpenTransaction, StorageMeasure, Writing,
} from '../../ports.js';
import { slotName } from '../../slot-name.js';
import { command } from '../machine/gate-script.js';
import { mendVolume, openVolume, removeVolume } from '../fleet/instance-volume.js';
import { asEngineError } from '../machine/engine-failure.js';
import type { LocalFleet } from '../fleet/local-fleet.js';
import { sqlLine } from '../sql/psql-line.js';
import { attachStandby } from './verbs/attach-standby.js';
import { claimInstance } from './verbs/claim-instance.js';
import { createPrimary } from './verbs/create-primary.js';
import { createExtension, dropExtension, observeExtensions } from './verbs/extensions.js';
import { equipInstance } from './verbs/equip-instance.js';
import { fenceInstance, unfenceInstance } from './verbs/fence-instance.js';
import { instanceContext, instanceSubject, readPort, type InstanceContext } from '../fleet/instance-context.js';
import { endSessions, measureStorage, setWriting } from './verbs/instance-storage.js';
import { listKept, moveAside, releaseKept, removeKeptLine } from './verbs/keep-aside.js';
import { observeInstance } from './watch/observe-instance.js';
import { endTransactionsSql, openTransactions } from './verbs/open-transactions.js';
import { promoteStandby } from './verbs/promote-standby.js';
import { rejoinStandby, type Rejoined } from './verbs/rejoin-standby.js';
import { dropRole, observeRoles, setRole } from './verbs/roles.js';
import { killAll } from './verbs/run-instance.js';

import { ownerLoginSql } from '../sql/owner-login-sql.js';
import { createSlotSql, dropSlotSql } from '../sql/slot-sql.js';
import { startInstance } from './verbs/start-instance.js';
import { checkpoint, stopMarked, type Stopped } from './verbs/stop-marked.js';
import { setSynchronousStandbys, waitForFlush } from './verbs/synchronous-standbys.js';
import { LocalInstanceWatch } from './watch/watch-instance.js';

const VERIFIER = /^SCRAM-SHA-256\$\d+:[A-Za-z0-9+/=]+\$[A-Za-z0-9+/=]+:[A-Za-z0-9+/=]+$/;

/** Instances as processes of this machine. */
export class LocalInstances implements InstancesPort {
  private readonly watches = new Set<LocalInstanceWatch>();

  constructor(private readonly fleet: LocalFleet) {}

  observe(instance: InstanceRef, signal: AbortSignal): Promise<InstanceObservation> {
    return asEngineError('observing', async () => {
      const context = this.context(instance);
      // What cannot be opened is there nevertheless, and stopped.
      await openVolume(context, signal).catch((error: unknown) =>
        this.fleet.log.warn({ instanceId: instance.id }, `its volume could not be opened: ${reasonOf(error)}`));
      return observeInstance(context, signal);
    });
  }

  createPrimary(instance: InstanceRef, effect: Effect): Promise<InstanceObservation> {
    checkVerifier(instance.database.ownerVerifier);
    return this.effect('creating a primary', instance, effect, (context) => createPrimary(context, effect));
  }

  attachStandby(instance: InstanceRef, primary: InstanceRef, effect: Effect): Promise<InstanceObservation> {
    return this.effect('attaching a standby', instance, effect, (context) => attachStandby(context, this.context(primary), effect));
  }

  setSynchronousStandbys(primary: InstanceRef, standbyIds: readonly string[], effect: Effect): Promise<{ lsn: Lsn }> {
    return this.effect('setting the synchronous standbys', primary, effect, (context) =>
      setSynchronousStandbys(context, standbyIds, effect),
    );
  }

  waitForFlush(primary: InstanceRef, standbyId: string, lsn: Lsn, effect: Effect): Promise<void> {
    return this.effect('waiting for a flush', primary, effect, (context) => waitForFlush(context, standbyId, lsn, effect));
  }

  setOwnerVerifier(primary: InstanceRef, verifier: string, effect: Effect): Promise<void> {
    checkVerifier(verifier);
    for (const { verifier: other } of primary.database.ownerLogins?.others ?? []) checkVerifier(other);
    const statements = ownerLoginSql({ ...primary.database, ownerVerifier: verifier });
    return this.sql(primary, statements, 'setting the owner\'s password', effect);
  }

  equip(instance: InstanceRef, effect: Effect): Promise<void> {
    return this.effect('equipping', instance, effect, (context) => equipInstance(context, effect));
  }

  observeExtensions(primary: InstanceRef, signal: AbortSignal): Promise<readonly ExtensionObservation[]> {
    return asEngineError('looking at extensions', () => observeExtensions(this.context(primary), signal));
  }

  createExtension(
    primary: InstanceRef, wanted: { readonly name: string; readonly schema: string }, effect: Effect,
  ): Promise<{ readonly made: boolean }> {
    return this.effect('creating an extension', primary, effect, (context) => createExtension(context, wanted, effect));
  }

  dropExtension(primary: InstanceRef, name: string, effect: Effect): Promise<void> {
    return this.effect('dropping an extension', primary, effect, (context) => dropExtension(context, name, effect));
  }

  observeRoles(primary: InstanceRef, signal: AbortSignal): Promise<readonly RoleObservation[]> {
    return asEngineError('looking at roles', () => observeRoles(this.context(primary), signal));
  }

  setRole(primary: InstanceRef, wanted: WantedRole, effect: Effect): Promise<void> {
    checkVerifier(wanted.verifier);
    return this.effect('setting a role', primary, effect, (context) => setRole(context, wanted, effect));
  }

  dropRole(primary: InstanceRef, name: string, effect: Effect): Promise<void> {
    return this.effect('dropping a role', primary, effect, (context) => dropRole(context, name, effect));
  }

  measureStorage(primary: InstanceRef, signal: AbortSignal): Promise<StorageMeasure> {
    return asEngineError(`measuring ${primary.id}`, () => measureStorage(this.context(primary), signal));
  }

  setWriting(primary: InstanceRef, writing: Writing, effect: Effect): Promise<void> {
    return this.effect('saying who may write', primary, effect, (context) => setWriting(context, writing, effect));
  }

  endSessions(primary: InstanceRef, which: 'growing' | 'all', signal: AbortSignal): Promise<void> {
    return asEngineError(`ending sessions of ${primary.id}`, () => endSessions(this.context(primary), which, signal));
  }

  start(instance: InstanceRef, effect: Effect): Promise<InstanceObservation> {
    return this.effect('starting', instance, effect, async (context) => {
      await startInstance(context, effect);
      return observeInstance(context, effect.signal);
    });
  }

  fence(instance: InstanceRef, effect: Effect, options: { readonly keep?: boolean } = {}): Promise<InstanceObservation> {
    // Clients wait, and what is in a closed volume runs nowhere.
    return this.effect('fencing', instance, effect, (context) => fenceInstance(context, effect, options), { opens: false });
  }

  checkpoint(primary: InstanceRef, signal: AbortSignal): Promise<void> {
    return asEngineError(`checkpoint of ${primary.id}`, () => checkpoint(this.context(primary), signal));
  }

  openTransactions(primary: InstanceRef, signal: AbortSignal): Promise<readonly OpenTransaction[]> {
    return asEngineError(`looking at the transactions of ${primary.id}`, () => openTransactions(this.context(primary), signal));
  }

  endTransactions(primary: InstanceRef, transactions: readonly OpenTransaction[], effect: Effect): Promise<void> {
    return this.sql(primary, [endTransactionsSql(transactions)], 'ending transactions', effect);
  }

  stopMarked(primary: InstanceRef, effect: Effect): Promise<Stopped> {
    return this.effect('stopping', primary, effect, (context) => stopMarked(context, effect));
  }

  unfence(instance: InstanceRef, effect: Effect): Promise<InstanceObservation> {
    return this.effect('unfencing', instance, effect, (context) => unfenceInstance(context, effect));
  }

  claim(instance: InstanceRef, effect: Effect): Promise<InstanceObservation> {
    return this.effect('claiming', instance, effect, (context) => claimInstance(context, effect));
  }

  promote(standby: InstanceRef, effect: Effect): Promise<InstanceObservation> {
    return this.effect('promoting', standby, effect, (context) => promoteStandby(context, effect));
  }

  rejoin(instance: InstanceRef, primary: InstanceRef, effect: Effect): Promise<Rejoined> {
    return this.effect('rejoining', instance, effect, (context) => rejoinStandby(context, this.context(primary), effect));
  }

  watch(instance: InstanceRef): InstanceWatch {
    const watch = new LocalInstanceWatch(this.context(instance), () => this.watches.delete(watch));
    this.watches.add(watch);
    return watch;
  }

  async close(): Promise<void> {
    await Promise.all([...this.watches].map((watch) => watch.close()));
    this.fleet.sessions.close();
  }

  provideSlot(primary: InstanceRef, standbyId: string, effect: Effect): Promise<void> {
    return this.sql(primary, createSlotSql(slotName(standbyId)), 'making a replication slot', effect);
  }

  dropSlot(primary: InstanceRef, standbyId: string, effect: Effect): Promise<void> {
    return this.sql(primary, dropSlotSql(slotName(standbyId)), 'dropping a replication slot', effect);
  }

  destroy(instance: InstanceRef, effect: Effect, { spareKept = false }: { readonly spareKept?: boolean } = {}): Promise<void> {
    return this.effect('destroying', instance, effect, async (context) => {
      const { shell, paths } = context;
      // Where nothing is spared, what nobody can open any more goes all the same.
      await openVolume(context, effect.signal).catch((error: unknown) => {
        if (spareKept) throw error;
      });
      await shell.fenced(instanceSubject(context, effect.token), effect.signal, async (gate) => {
        if (spareKept) await moveAside(context, gate, effect.signal);
        // First, so that what is left of an interrupted destruction does not pass for an instance.
        await gate.run(command('rm', '-f', '--', paths.made));
        await killAll(context, gate, effect.signal);
        // Where its file system gave up nothing could be removed; what cannot be opened any more goes as a whole.
        await mendVolume(context, gate).catch((error: unknown) => {
          if (spareKept) throw error;
        });
        if (!spareKept) await gate.must(removeKeptLine(context), 'removing the kept copies');
        await gate.must(
          command('rm', '-rf', '--', paths.made, paths.home, paths.port, paths.major, paths.mark, paths.keep, paths.promoting),
          'removing the instance\'s files',
        );
        await removeVolume(context, gate);
      });
    }, { opens: false });
  }

  keptCopies(instance: InstanceRef): Promise<readonly KeptCopy[]> {
    return asEngineError('listing kept copies', () => listKept(this.context(instance)));
  }

  releaseKept(instance: InstanceRef, keptId: string, effect: Effect): Promise<void> {
    return this.effect('releasing a kept copy', instance, effect, (context) => releaseKept(context, keptId, effect));
  }

  private context(instance: InstanceRef): InstanceContext {
    return instanceContext(this.fleet, instance);
  }

  private effect<T>(
    what: string, instance: InstanceRef, effect: Effect, act: (context: InstanceContext) => Promise<T>, { opens = true } = {},
  ): Promise<T> {
    this.fleet.log.debug({ ...effect.trace, instanceId: instance.id, token: effect.token.toString() }, what);
    return asEngineError(`${what} of ${instance.id}`, async () => {
      const context = this.context(instance);
      if (opens) await openVolume(context, effect.signal);
      return act(context);
    });
  }

  private sql(primary: InstanceRef, statements: readonly string[], what: string, effect: Effect): Promise<void> {
    return this.effect(what, primary, effect, async (context) => {
      await context.shell.fenced(instanceSubject(context, effect.token), effect.signal, async (gate) => {
        const port = await readPort(context);
        if (port === undefined) throw new EngineError('transient', `instance ${primary.id} was not made yet`, 'create it first');
        await gate.must(sqlLine(context, port, statements), what);
      });
    });
  }
}

function checkVerifier(verifier: string): void {
  if (!VERIFIER.test(verifier)) {
    throw new EngineError('permanent', 'what came is not a SCRAM-SHA-256 verifier', 'send the verifier, not the password');
  }
}
