import type { OperationDefinition, Step } from '../../src/operations/definition.js';
import type { OperationRegistry } from '../../src/operations/registry.js';
import type { Meaning } from '../../src/operations/traits.js';

type Definition = OperationDefinition<unknown, never, never>;
type AnyStep = Step<unknown, never, never>;

/**
 * Draws a table of steps as a Mermaid flowchart: the steps in order, and what follows when one fails.
 *
 * A step may also skip others by what it finds; that is decided in its code and not drawn.
 */
export function drawTable(definition: Definition): string {
  const { steps } = definition;
  const way = findWay(definition);
  const noReturn = definition.pointOfNoReturn === undefined ? steps.length : steps.findIndex(({ name }) => name === definition.pointOfNoReturn);
  const before = steps.slice(0, noReturn);
  const after = steps.slice(noReturn);
  const lines = [
    'flowchart TD',
    ...before.map((step) => `  ${box(step)}`),
    ...(after.length === 0 ? [] : ['  subgraph forward ["from here on only forward"]', ...after.map((step) => `    ${box(step)}`), '  end']),
    ...way.map((step, index) => `  ${id(step.name)} --> ${index + 1 < way.length ? id(way[index + 1]!.name) : 'done'}`),
    '  done([succeeded])',
    ...steps.flatMap(drawFailure),
    ...(steps.some(({ onFailure }) => onFailure === 'undo') ? ['  undone([undone, failed])'] : []),
  ];
  return ['```mermaid', ...lines, '```'].join('\n');
}

/** Describes a table of steps as one section of a document: what it is for, its diagram and its steps. */
export function describeTable(definition: Definition): string {
  const facts = [
    definition.exclusive ? 'the only change to its subject while it runs' : 'runs beside other changes',
    `queue \`${definition.queue}\``,
    `deadline ${duration(definition.deadlineMs)}`,
    definition.pointOfNoReturn === undefined ? 'can be undone until its end' : `no way back from \`${definition.pointOfNoReturn}\` on`,
  ];
  const rows = definition.steps.map((step) => `| \`${step.name}\` | ${step.does} | ${duration(step.timeoutMs)} | ${step.attempts} | ${describeFailure(step)}${step.undo ? '; can be undone' : ''} |`);
  return [
    `## ${definition.kind}`, '', `It ${definition.does}. ${facts.map((fact, index) => (index === 0 ? fact[0]!.toUpperCase() + fact.slice(1) : fact)).join('; ')}.`, '',
    drawTable(definition), '', '| step | what it does | time-out | attempts | when those are used up |', '|---|---|---|---|---|', ...rows, '',
  ].join('\n');
}

/** Describes what operations of one subject mean to each other and to people, as a section of a document. */
export function describeMeanings(tables: readonly Definition[], registry: OperationRegistry<unknown>): string {
  const meaningsOf = ({ kind, steps }: Definition): Meaning[] => steps.map(({ name }) => registry.meaningOf({ kind, step: name }));
  const list = (table: Definition, isMeant: (meaning: Meaning) => boolean): string | undefined => {
    const meant = meaningsOf(table).filter(isMeant).map(({ step }) => `\`${step}\``);
    if (meant.length === 0) return undefined;
    return meant.length === table.steps.length ? `\`${table.kind}\`` : `\`${table.kind}\` at ${meant.join(', ')}`;
  };
  const rows = tables.filter(({ exclusive }) => exclusive).map((table) => {
    const shown = list(table, ({ shows, hasBegun, reprotects }) => shows !== undefined && hasBegun && !reprotects);
    const ended = tables.filter(({ exclusive }) => exclusive)
      .map((other) => list(other, (meaning) => registry.mayEnd(table.kind, meaning))).filter((one) => one !== undefined);
    return { table, shown: shown?.replace(`\`${table.kind}\``, `\`${table.traits?.shows}\``), ended };
  });
  return [
    '## What changes of a database mean to each other', '',
    'One of them runs at a time. A request for one that may not end the one that runs is refused with that one\'s id. Where no',
    'state is given, the database has the state that it would have without the operation.', '',
    '| operation | state of the database | what it may end |', '|---|---|---|',
    ...rows.map(({ table, shown, ended }) => `| \`${table.kind}\` | ${shown ?? ''} | ${ended.join('; ')} |`), '',
  ].join('\n');
}

/** The steps of an operation that goes well. */
function findWay({ steps }: Definition): readonly AnyStep[] {
  const last = steps.findIndex((step) => step.last);
  return last === -1 ? steps : steps.slice(0, last + 1);
}

function box(step: AnyStep): string {
  const label = `<b>${step.name}</b><br>${step.does}<br><i>${step.attempts} × ${duration(step.timeoutMs)}${step.onFailure === 'persist' ? ', then for ever, with an alert' : ''}</i>`;
  return `${id(step.name)}["${label.replaceAll('"', '#quot;')}"]`;
}

function drawFailure({ name, onFailure }: AnyStep): string[] {
  if (onFailure === 'persist') return [];
  return [`  ${id(name)} -. fails .-> ${onFailure === 'undo' ? 'undone' : id(onFailure.goTo)}`];
}

function describeFailure({ onFailure }: AnyStep): string {
  if (onFailure === 'persist') return 'goes on trying, with an alert';
  if (onFailure === 'undo') return 'what was done is undone';
  return `goes on at \`${onFailure.goTo}\``;
}

/** Some words mean something to Mermaid itself. */
function id(name: string): string {
  return `s_${name.replaceAll('-', '_')}`;
}

function duration(ms: number): string {
  if (ms % 3_600_000 === 0) return `${ms / 3_600_000} h`;
  return ms % 60_000 === 0 ? `${ms / 60_000} min` : `${ms / 1000} s`;
}
