/** Prints a document for programs: one line of JSON on standard output. */
export function printJson(value: unknown): void {
  process.stdout.write(`${JSON.stringify(value)}\n`);
}

export function print(text: string): void {
  process.stdout.write(`${text}\n`);
}

/** Prints what is for people only, where it does not mix with results. */
export function note(text: string): void {
  process.stderr.write(`${text}\n`);
}

/** A name on one line: line breaks and other control characters, which could also steer the terminal, are shown as escapes. */
export function showName(name: string): string {
  return name.replace(
    /[\p{Control}\u2028\u2029\u202a-\u202e\u2066-\u2069]/gu, (character) => `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`,
  );
}

/** A column of a table: its heading, and what it shows of a row. */
export type Column<Row> = readonly [heading: string, show: (row: Row) => string | number | boolean | null | undefined];

/** Aligns rows under their headings, each column as wide as it needs to be. */
export function formatTable<Row>(rows: readonly Row[], columns: readonly Column<Row>[]): string {
  const cells = [columns.map(([heading]) => heading), ...rows.map((row) => columns.map(([, show]) => showName(String(show(row) ?? '-'))))];
  const widths = columns.map((_, index) => Math.max(...cells.map((line) => (line[index] ?? '').length)));
  return cells.map((line) => line.map((cell, index) => cell.padEnd(widths[index] ?? 0)).join('  ').trimEnd()).join('\n');
}

/** Prints a list, as a table for people or as it is for programs. */
export function printList<Row>(rows: readonly Row[], columns: readonly Column<Row>[], asJson: boolean): void {
  if (asJson) printJson(rows);
  else print(rows.length === 0 ? 'none' : formatTable(rows, columns));
}
