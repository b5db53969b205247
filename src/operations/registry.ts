import type { OperationDefinition } from './definition.js';
import { assertWellFormed } from './definition.js';

/** The kinds of operations that this process knows; each exactly once. */
export class OperationRegistry<Tx> {
  private readonly definitions = new Map<string, OperationDefinition<Tx>>();

  /** @throws Error if the kind is known already or its table is not well formed. */
  register<Input, Found>(definition: OperationDefinition<Tx, Input, Found>): void {
    // Inputs are checked against the definition's own schema before they reach a step, so the types may be forgotten here.
    const known = definition as unknown as OperationDefinition<Tx>;
    assertWellFormed(known);
    if (this.definitions.has(known.kind)) throw new Error(`operation "${known.kind}" is declared twice`);
    this.definitions.set(known.kind, known);
  }

  /** @throws Error for a kind that nobody declared. */
  get(kind: string): OperationDefinition<Tx> {
    const definition = this.definitions.get(kind);
    if (!definition) throw new Error(`operation "${kind}" is not declared in this process`);
    return definition;
  }

  all(): readonly OperationDefinition<Tx>[] {
    return [...this.definitions.values()];
  }
}
