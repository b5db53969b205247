import { createInterface } from 'node:readline/promises';

import { CliError, EXIT } from './cli-error.js';

/**
 * Asks a person to type a word before something goes on.
 *
 * @throws CliError if another word is typed, or nobody is there to type one.
 */
export async function confirmByTyping(
  word: string, { command, warning, refused }: { readonly command: string; readonly warning: string; readonly refused: string },
): Promise<void> {
  if (!process.stdin.isTTY) throw new CliError(`${command} asks for a confirmation, and there is no terminal: give --yes`, EXIT.usage);
  const terminal = createInterface({ input: process.stdin, output: process.stderr });
  try {
    const typed = await terminal.question(`${warning} Type "${word}" to go on: `);
    if (typed.trim() !== word) throw new CliError(`another word was typed: ${refused}`);
  } finally {
    terminal.close();
  }
}
