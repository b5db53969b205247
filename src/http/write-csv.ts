/** A line of CSV (RFC 4180). What a spreadsheet would take for a formula is written as text. */
export function csvLine(values: readonly unknown[]): string {
  return `${values.map(writeCell).join(',')}\r\n`;
}

function writeCell(value: unknown): string {
  const text = value === null || value === undefined ? '' : textOf(value);
  const harmless = /^[=+\-@\t\r]/.test(text) && typeof value === 'string' ? `'${text}` : text;
  return /[",\r\n]/.test(harmless) ? `"${harmless.replaceAll('"', '""')}"` : harmless;
}

function textOf(value: unknown): string {
  if (typeof value === 'string') return value;
  return value instanceof Date ? value.toISOString() : JSON.stringify(value);
}
