import type { DatabaseRecord, DatabaseRecords } from '../../src/databases/database-records.js';
import { failoverOperation } from '../../src/databases/operations/failover.operation.js';
import { recoverOperation } from '../../src/databases/operations/recover.operation.js';
import { reprotectOperation } from '../../src/databases/operations/reprotect.operation.js';
import { switchoverOperation } from '../../src/databases/operations/switchover.operation.js';
import type { Engine } from '../../src/engine/ports.js';
import type { OperationDefinition, Step, StepOutcome } from '../../src/operations/definition.js';
import type { OperationRegistry } from '../../src/operations/registry.js';
import type { Instance } from './engine/postgres.js';
import type { MemoryTx } from './kernel/memory-metadata.js';
import type { RulesOff } from './rules.js';

export interface TableParts {
  readonly engine: Engine;
  readonly records: DatabaseRecords<MemoryTx>;
  readonly instances: readonly Instance[];
  readonly rulesOff: RulesOff;
}

/** Registers the real tables; a rule that is left out is taken from around them, never from within. */
export function registerTables(registry: OperationRegistry<MemoryTx>, parts: TableParts): void {
  const { rulesOff } = parts;
  const lax = rulesOff.has('4') ? { ...parts, records: believeWhoAnswers(parts) } : parts;
  const failover = nameSteps(failoverOperation(lax));
  const switchover = nameSteps(switchoverOperation(parts));
  registry.register(rulesOff.has('8') ? giveUp(failover) : failover);
  registry.register(rulesOff.has('8') ? giveUp(switchover) : switchover);
  const reprotect = nameSteps(reprotectOperation(parts));
  registry.register(rulesOff.has('3a') ? relaxNamesFirst(reprotect) : reprotect);
  registry.register(nameSteps(recoverOperation(parts)));
}

type Run<Input, Found> = Step<MemoryTx, Input, Found>['run'];

function changeRuns<Input, Found>(
  definition: OperationDefinition<MemoryTx, Input, Found>, change: (name: string, run: Run<Input, Found>) => Run<Input, Found>,
): OperationDefinition<MemoryTx, Input, Found> {
  return { ...definition, steps: definition.steps.map((step) => ({ ...step, run: change(step.name, (context) => step.run(context)) })) };
}

/** The simulated engine is told which step calls it. */
function nameSteps<Input, Found>(definition: OperationDefinition<MemoryTx, Input, Found>): OperationDefinition<MemoryTx, Input, Found> {
  return changeRuns(definition, (name, run) => (context) => run({ ...context, step: name } as typeof context));
}

/** Without rule 3a: commits stop waiting before the record says that nobody is in sync. */
function relaxNamesFirst<Input, Found>(definition: OperationDefinition<MemoryTx, Input, Found>): OperationDefinition<MemoryTx, Input, Found> {
  const detours: Record<string, (to: string | undefined) => string | undefined> = {
    look: (to) => (to === 'record-alone' ? 'write-alone' : to),
    'write-alone': () => 'record-alone',
    'record-alone': () => 'restart',
  };
  return changeRuns(definition, (name, run) => async (context): Promise<StepOutcome<MemoryTx, Found>> => {
    const outcome = await run(context);
    const detour = detours[name];
    if (outcome.outcome !== 'next' || !detour) return outcome;
    const to = detour(outcome.to);
    return to === undefined ? outcome : { ...outcome, to };
  });
}

/** Without rule 8: an operation that promotes nobody leaves everything as it is. */
function giveUp<Input, Found>(definition: OperationDefinition<MemoryTx, Input, Found>): OperationDefinition<MemoryTx, Input, Found> {
  return changeRuns(definition, (name, run) => (name === 'abort' ? () => Promise.resolve({ outcome: 'fail', reason: 'nobody was promoted' }) : run));
}

/** Without rule 4: one standby that answers is enough, whoever else is recorded. */
function believeWhoAnswers({ records, instances }: TableParts): DatabaseRecords<MemoryTx> {
  const answers = (id: string): boolean => instances.some((instance) => instance.id === id && instance.process?.role === 'standby' && !instance.process.hung);
  return new Proxy(records, {
    get(target, key) {
      if (key !== 'read') return Reflect.get(target, key) as unknown;
      return async (id: string): Promise<DatabaseRecord> => {
        const record = await target.read(id);
        const inSync = record.inSync.filter(answers);
        return inSync.length > 0 ? { ...record, inSync } : record;
      };
    },
  });
}
