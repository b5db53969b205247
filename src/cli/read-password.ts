import { readFile } from 'node:fs/promises';
import { createInterface } from 'node:readline';
import { Writable } from 'node:stream';
import { text } from 'node:stream/consumers';

import { errorCode } from '../base/error-code.js';
import { CliError, EXIT } from './cli-error.js';

/** Where a password comes from; nowhere if it is to be drawn. */
export interface PasswordOptions {
  readonly passwordFile?: string;
  readonly askPassword?: boolean;
}

/** @throws CliError if it cannot be read, or is typed in two ways */
export async function readPassword({ passwordFile, askPassword }: PasswordOptions): Promise<string | undefined> {
  if (passwordFile !== undefined) return readFirstLine(passwordFile);
  if (!askPassword) return undefined;
  const password = await ask('Password: ');
  if (password !== (await ask('The same again: '))) throw new CliError('two different passwords were typed: nothing was done');
  return password;
}

async function readFirstLine(file: string): Promise<string> {
  try {
    const content = file === '-' ? await text(process.stdin) : await readFile(file, 'utf8');
    const [line = ''] = content.split(/\r?\n/);
    if (line === '') throw new CliError(`the first line of ${file} is empty, and no password`, EXIT.usage);
    return line;
  } catch (error) {
    if (error instanceof CliError) throw error;
    throw new CliError(`${file} cannot be read (${errorCode(error) ?? String(error)}): name another --password-file`, EXIT.usage);
  }
}

/** Asks at the terminal, and shows nothing of what is typed. */
function ask(question: string): Promise<string> {
  if (!process.stdin.isTTY) throw new CliError('there is no terminal to ask for the password: give a --password-file', EXIT.usage);
  process.stderr.write(question);
  const silent = new Writable({ write: (_chunk, _encoding, done) => done() });
  const terminal = createInterface({ input: process.stdin, output: silent, terminal: true });
  return new Promise((resolve, reject) => {
    terminal.once('SIGINT', () => {
      terminal.close();
      reject(new CliError('no password was typed: nothing was done'));
    });
    terminal.question('', (answer) => {
      terminal.close();
      process.stderr.write('\n');
      resolve(answer);
    });
  });
}
