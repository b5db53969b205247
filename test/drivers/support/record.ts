/** What every row of a driver's table holds, so that a row's answer is known from its number. */
export const valueOf = (id: number): string => `row ${id}`;

/**
 * What a client's own statement answers for a row. The client's number stands in the statement's text: if another client's
 * statement of the same name ran in its place, the answer shows it.
 */
export const answerFor = (id: number, client: number): string => `${valueOf(id)} for ${client}`;

/** Numbers of rows that clients of one run may use before they would meet the next one's. */
const ROWS_PER_CLIENT = 10_000_000;

/** The first row that a client writes; below are the rows of the steps before. */
export const firstRowOf = (client: number): number => (client + 1) * ROWS_PER_CLIENT;

/** What the clients of one run saw. */
export class Record {
  readonly acknowledged: number[] = [];
  /** The first row of each pair that a transaction wrote, whether acknowledged or not. */
  readonly pairs: number[] = [];
  readonly wrong: string[] = [];
  readonly errors: string[] = [];
  answers = 0;

  /** How much was done: it grows as long as the clients get on. */
  get progress(): number {
    return this.acknowledged.length + this.answers;
  }

  wrote(id: number): void {
    this.acknowledged.push(id);
  }

  answered(id: number, client: number, answer: string | undefined): void {
    this.answers += 1;
    if (answer !== answerFor(id, client)) this.wrong.push(`row ${id} answered client ${client} with ${JSON.stringify(answer)}`);
  }

  /** Takes a line of a program: see `programs/README.md`. */
  take(line: string): void {
    const [word, id, client, ...rest] = line.split(' ');
    if (word === 'wrote') this.wrote(Number(id));
    else if (word === 'pair') this.pairs.push(Number(id));
    else if (word === 'answer') this.answered(Number(id), Number(client), rest.join(' '));
    else if (word === 'error') this.errors.push(line.slice('error '.length));
    else throw new Error(`a driver's program said what nobody understands: ${line}`);
  }
}

/** What is in a table, against what its clients were told. */
export function judge(record: Record, present: ReadonlyMap<number, string>): { readonly lost: number[]; readonly wrong: string[] } {
  const changed = [...present].filter(([id, value]) => value !== valueOf(id)).map(([id, value]) => `row ${id} is ${JSON.stringify(value)}`);
  const torn = record.pairs.filter((id) => present.has(id) !== present.has(id + 1)).map((id) => `of the pair ${id} one row is there`);
  return { lost: record.acknowledged.filter((id) => !present.has(id)), wrong: [...record.wrong, ...changed, ...torn] };
}
