import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { type Command, CommanderError } from 'commander';
import { describe, expect, it } from 'vitest';
import { program } from '../../../src/cli/program.js';
import { readDocCommands, readDocuments, splitCommands } from '../../support/read-doc-commands.js';

const ROOT = new URL('../../../', import.meta.url);
const inRoot = (path: string): string => fileURLToPath(new URL(path, ROOT));

/** What stands for something else in the documents, where an option checks what it is given. */
const STANDS_FOR: Readonly<Record<string, string>> = { PORT: '8080', N: '2' };

/** The program with actions that do nothing: whatever it is asked, it is only read. */
function idleProgram(): Command {
  const idle = (command: Command): void => {
    command.configureOutput({ writeOut: () => undefined, writeErr: () => undefined });
    if (command.commands.length === 0) command.action(() => undefined);
    command.commands.forEach(idle);
  };
  const freehold = program('0');
  idle(freehold);
  return freehold;
}

/** A command that is named in a sentence may lack what everybody has to give. */
const LACKING = new Set(['commander.missingArgument', 'commander.missingMandatoryOptionValue']);

async function faultOf(words: readonly string[], isNamed: boolean): Promise<string | undefined> {
  try {
    await idleProgram().parseAsync(words.map((word) => word.replace(/^\[(.*)\]$/, '$1')).map((word) => STANDS_FOR[word] ?? word), { from: 'user' });
    return undefined;
  } catch (error) {
    if (!(error instanceof CommanderError)) return String(error);
    if (error.code === 'commander.helpDisplayed' || (isNamed && LACKING.has(error.code))) return undefined;
    return error.message;
  }
}

function everyOption(command: Command): string[] {
  return [...command.options.map(({ long }) => long ?? ''), ...command.commands.flatMap(everyOption)];
}

describe('the commands in the documents', () => {
  it('of freehold are commands that it takes, with the options that it takes', async () => {
    const commands = readDocCommands('freehold').filter(({ words }) => words.length > 0);
    expect(commands.length).toBeGreaterThan(60);
    const faults = await Promise.all(commands.map(async ({ where, text, words, isNamed }) => {
      const fault = await faultOf(words, isNamed);
      return fault === undefined ? [] : [`${where}: ${text}: ${fault}`];
    }));
    expect(faults.flat()).toEqual([]);
  });

  it.each([['alertz'], ['alerts', 'shop'], ['databases'], ['databases', 'shwo', 'shop'], ['failover'], ['failover', 'shop', '--accept-loss'], ['up', '--port', 'x'], ['operations', 'list', '--state', 'x'], ['users', 'reset', 'ada@example.com', '--password', 'x']])('would be missed otherwise: freehold %s', async (...words) => {
    expect(await faultOf(words, false)).toBeDefined();
  });

  it('of npm are scripts of the package, with tests that there are', () => {
    const { scripts } = JSON.parse(readFileSync(inRoot('package.json'), 'utf8')) as { scripts: Record<string, string> };
    const files = readdirSync(inRoot('test'), { recursive: true, encoding: 'utf8' });
    const commands = readDocCommands('npm').filter(({ words }) => words[0] === 'run' || words[0] === 'test');
    expect(commands.length).toBeGreaterThan(10);
    for (const { where, words } of commands) {
      const script = words[0] === 'test' ? 'test' : words[1]!;
      expect(Object.keys(scripts), where).toContain(script);
      const names = words.includes('--') ? words.slice(words.indexOf('--') + 1) : [];
      for (const name of names) {
        const is = (file: string): boolean => file.includes(name) && (script === 'test' || file.endsWith(`.${script}.ts`));
        expect(existsSync(inRoot(name)) || files.some(is), `${where}: ${name}`).toBe(true);
      }
    }
    for (const { where, words } of readDocCommands('vitest')) for (const word of words.filter((text) => text.includes('/'))) expect(existsSync(inRoot(word)), where).toBe(true);
  });

  it('have no option by itself that no command has', () => {
    // The last one is pg_dump's.
    const known = new Set([...everyOption(program('0')), '--help', '--format']);
    const named = readDocuments().flatMap(({ path, text }) => [...text.matchAll(/`(--[a-z-]+)[^`]*`/g)].map((match) => ({ path, option: match[1]! })));
    expect(named.filter(({ option }) => !known.has(option))).toEqual([]);
  });

  it('and the addresses and settings in them are those of the API and of the settings', () => {
    const types = readFileSync(inRoot('clients/typescript/src/api-types.ts'), 'utf8');
    const paths = new Set([...types.matchAll(/^ {4}"(\/[^"]*)": \{/gm)].map((match) => match[1]!.replaceAll(/\{\w+\}/g, '*')));
    const settings = ['src/config/settings.ts', 'src/config/handed-over.ts', 'test/faults/restore.soak.ts'].map((path) => readFileSync(inRoot(path), 'utf8')).join('\n');
    expect(paths.size).toBeGreaterThan(20);
    for (const { path, text } of readDocuments()) {
      for (const [, address] of text.matchAll(/\b(?:GET|POST|PUT|DELETE) (\/[\w{}/.-]+)/g)) {
        const form = address!.replaceAll(/\{\w+\}/g, '*');
        expect([...paths].some((known) => known === form || new RegExp(`^${known.replaceAll('.', '\\.').replaceAll('*', '[\\w-]+')}$`).test(form)), `${path}: ${address}`).toBe(true);
      }
      for (const [name] of text.matchAll(/\bFREEHOLD_[A-Z_]+\b/g)) expect(settings, `${path}: ${name}`).toContain(name);
    }
  });
});

describe('a line of shell', () => {
  it('is split into commands and words', () => {
    expect(splitCommands(`PGPASSWORD=… npx freehold databases import --name 'my shop' > x   # a comment`)).toEqual([['freehold', 'databases', 'import', '--name', 'my shop']]);
    expect(splitCommands('cd x && npm install; freehold down | cat')).toEqual([['cd', 'x'], ['npm', 'install'], ['freehold', 'down'], ['cat']]);
    expect(splitCommands('export A=$(node -p "1; 2")')).toEqual([['export', 'A=$'], ['node', '-p', '1; 2']]);
  });
});
