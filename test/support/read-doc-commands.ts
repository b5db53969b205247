import { readdirSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

/** A command that a document tells people to type, or names in a sentence. */
export interface DocCommand {
  /** Such as `docs/failover.md:42`. */
  readonly where: string;
  /** As it stands there, without the comment behind it. */
  readonly text: string;
  readonly words: readonly string[];
  /** Whether it stands in a sentence, where it may be only as long as it has to be to be recognised. */
  readonly isNamed: boolean;
}

const ROOT = new URL('../../', import.meta.url);

/** Every document that people read, by its path from the root. */
export function readDocuments(): { path: string; text: string }[] {
  const pages = readdirSync(new URL('docs/', ROOT)).filter((file) => file.endsWith('.md')).map((file) => `docs/${file}`);
  return ['README.md', 'CONTRIBUTING.md', 'ARCHITECTURE.md', ...pages, 'clients/typescript/README.md'].map((path) => ({ path, text: readFileSync(fileURLToPath(new URL(path, ROOT)), 'utf8') }));
}

/** The commands of all documents that begin with one of the words, behind settings of the environment and `npx`. */
export function readDocCommands(program: string): DocCommand[] {
  return readDocuments().flatMap(({ path, text }) => {
    let isFenced = false;
    // A sentence may break within a command, and a command of a block behind a backslash.
    const lines = text.replaceAll(/`[^`\n]+\n[^`\n]+`/g, (span) => `${span.replace('\n', ' ')}\n`).replaceAll('\\\n', ' \0').split('\n');
    return lines.flatMap((line, at) => {
      if (line.startsWith('```')) isFenced = !isFenced;
      const isBlock = isFenced || /^ {4}\S/.test(line);
      const texts = isBlock ? [line] : [...line.matchAll(/`([^`]+)`/g)].map((match) => match[1] ?? '');
      const where = `${path}:${at + 1}`;
      return texts.flatMap((command) => splitCommands(command).filter((words) => words[0] === program).map((words) => ({ where, text: command.trim(), words: words.slice(1), isNamed: !isBlock })));
    });
  });
}

/** The commands of a line of shell, as words: without comments, redirections, and what stands before the program's name. */
export function splitCommands(line: string): string[][] {
  const commands: string[][] = [[]];
  for (const [token] of line.matchAll(/\s#.*$|[<>]\s*\S+|&&|\|\||[|;()]|\$\(|(?:'[^']*'|"[^"]*"|[^\s'"|;()<>&])+/g)) {
    if (/^\s#/.test(token)) break;
    if (/^[<>]/.test(token)) continue;
    if (/^(&&|\|\||[|;()]|\$\()$/.test(token)) commands.push([]);
    else commands.at(-1)?.push(token.replaceAll(/'([^']*)'|"([^"]*)"/g, (_, single?: string, double?: string) => single ?? double ?? ''));
  }
  return commands.map((words) => {
    const begins = words.findIndex((word) => !/^[A-Z_]+=/.test(word) && word !== 'npx' && word !== 'sudo' && word !== '\0');
    return begins < 0 ? [] : words.slice(begins).filter((word) => word !== '\0');
  }).filter((words) => words.length > 0);
}
