import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer, type AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { buildCommand, freehold } from '../support/freehold-command.js';

describe('the freehold command, used wrongly', () => {
  const scratch = mkdtempSync(join(tmpdir(), 'freehold-usage-'));

  beforeAll(buildCommand);
  afterAll(() => rmSync(scratch, { recursive: true, force: true }));

  it.each([
    { args: ['nonsense'], says: "unknown command 'nonsense'" },
    { args: ['up', '--port', '99999'], says: 'a number from 1 to 65535' },
    { args: ['databases', 'create', '--url', 'http://127.0.0.1:9'], says: "required option '--customer <id>' not specified" },
    { args: ['databases', 'pause', 'shop'], says: "required option '--reason <text>' not specified" },
    { args: ['drill'], says: "required option '--fault <fault>' not specified" },
    { args: ['drill', '--fault', 'flood'], says: '"flood" is not a fault; there are kill, hang, host-lost' },
    { args: ['drill', '--fault', 'kill', '--times', '0'], says: 'a number from 1 to 1000' },
    { args: ['drill', 'disaster', '--size', 'much'], says: 'numbers from 0 to 4096' },
    { args: ['switchover', 'shop'], says: 'give its address with --url or FREEHOLD_URL' },
    { args: ['databases', 'list'], says: 'give its address with --url or FREEHOLD_URL' },
    { args: ['databases', 'list', '--url', 'localhost'], says: 'must begin with http:// or https://' },
  ])('exits with 2 and says what is wrong: $args', async ({ args, says }) => {
    const result = await freehold(args);
    expect(result).toMatchObject({ code: 2, stdout: '' });
    expect(result.stderr).toContain(says);
  });

  it('names every faulty setting at once', async () => {
    const result = await freehold(['regions', 'list'], { FREEHOLD_URL: 'ftp://x', FREEHOLD_HOST_MEMORY_MB: 'much', FREEHOLD_TYPO: '1' });
    expect(result.code).toBe(2);
    for (const name of ['FREEHOLD_URL', 'FREEHOLD_HOST_MEMORY_MB', 'FREEHOLD_TYPO']) expect(result.stderr).toContain(name);
  });

  it('says when no API answers', async () => {
    const result = await freehold(['regions', 'list', '--url', 'http://127.0.0.1:2']);
    expect(result.code).toBe(1);
    expect(result.stderr).toMatch(/http:\/\/127\.0\.0\.1:2 cannot be reached/);
  });

  it('does not take a directory with other things in it for a fleet, whatever it is asked', async () => {
    writeFileSync(join(scratch, 'thesis.tex'), 'precious');
    for (const args of [['up'], ['up', '--detach'], ['down'], ['purge', '--yes']]) {
      const result = await freehold([...args, '--data-dir', scratch]);
      expect(result).toMatchObject({ code: 1, stdout: '' });
      expect(result.stderr).toContain('holds files, but no fleet');
    }
  });

  it('says that the port is taken, and exits', async () => {
    const server = createServer();
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const { port } = server.address() as AddressInfo;
    const dataDir = join(scratch, 'taken');
    for (const more of [[], ['--detach']]) {
      const result = await freehold(['up', '--data-dir', dataDir, '--port', String(port), ...more]);
      expect(result).toMatchObject({ code: 1, stdout: '' });
      expect(result.stderr).toContain(`port ${port} on 127.0.0.1 is in use`);
    }
    server.close();
    expect((await freehold(['purge', '--yes', '--data-dir', dataDir])).code).toBe(0);
  });

  it('breaks nothing where there is no fleet', async () => {
    for (const args of [['--fault', 'kill'], ['disaster']]) {
      const result = await freehold(['drill', ...args, '--data-dir', join(scratch, 'never')]);
      expect(result).toMatchObject({ code: 1, stdout: '' });
      expect(result.stderr).toContain('there is no embedded fleet in');
    }
    expect(await freehold(['harden', '--data-dir', join(scratch, 'never')])).toMatchObject({ code: 1, stdout: '', stderr: expect.stringContaining('there is no fleet in') as string });
  });

  it('finds nothing to do where there is no fleet', async () => {
    const dataDir = join(scratch, 'never');
    expect((await freehold(['down', '--data-dir', dataDir])).code).toBe(0);
    expect((await freehold(['purge', '--yes', '--data-dir', dataDir])).code).toBe(0);
  });
});
