import type { OperationDefinition } from './definition.js';
import { assertWellFormed } from './definition.js';
import type { RunningChange } from './running-change.js';
import { type Meaning, meaningAt, type Purpose } from './traits.js';

/** Between which steps a kind of operation cuts clients off. */
export interface Interruption {
  readonly kind: string;
  readonly from: string;
  /** Null if it ends with the operation. */
  readonly over: string | null;
}

/** The kinds of operations that this process knows; each exactly once. */
export class OperationRegistry<Tx> {
  private readonly definitions = new Map<string, OperationDefinition<Tx>>();

  /** @throws Error if the kind is known already, or its table or its traits are not well formed. */
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

  /** What a running operation means to others. An undeclared kind, such as one of an earlier version, means nothing. */
  meaningOf(change: RunningChange): Meaning {
    return meaningAt(this.definitions.get(change.kind), change);
  }

  /** Whether a request for an operation of that kind ends the exclusive one that runs. */
  mayEnd(kind: string, running: RunningChange): boolean {
    return this.get(kind).preempts(this.meaningOf(running));
  }

  /** The purpose of a kind of operation; undefined if it has none. */
  purposeOf(kind: string): Purpose | undefined {
    return this.definitions.get(kind)?.traits?.purpose;
  }

  /** The kinds of operations that cut clients off: at which step, and at which one that is over, if not only at their end. */
  interruptions(): readonly Interruption[] {
    return [...this.definitions.values()].flatMap(({ kind, traits: { interruptsFrom, reprotectsFrom } = {} }) => (
      interruptsFrom === undefined ? [] : [{ kind, from: interruptsFrom, over: reprotectsFrom ?? null }]));
  }

  /** The kinds of operations with that purpose, for use in queries. */
  kindsFor(purpose: Purpose): string[] {
    return [...this.definitions.keys()].filter((kind) => this.purposeOf(kind) === purpose);
  }
}
