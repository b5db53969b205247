import { createHash } from 'node:crypto';
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import pg from 'pg';
import { afterAll, beforeAll, describe, expect, inject, it } from 'vitest';
import { buildCommand, type CommandResult, freehold, run } from '../support/freehold-command.js';
import { postgresBinaries } from '../support/servers.js';
import { startTestApi, type TestApi } from '../support/test-api.js';

describe('freehold dump', () => {
  const scratch = mkdtempSync(join(tmpdir(), 'freehold-dump-'));
  const file = join(scratch, 'shop.dump');
  let api: TestApi;
  let environment: Record<string, string>;
  let archive: Buffer;
  let sha256: string;

  beforeAll(async () => {
    await buildCommand();
    api = await startTestApi();
    const ada = await api.customer();
    await api.database(ada.id, 'shop');
    environment = { FREEHOLD_URL: api.url, FREEHOLD_API_KEY: ada.key };
    archive = await makeArchive();
    sha256 = createHash('sha256').update(archive).digest('hex');
  });
  afterAll(async () => {
    await api?.close();
    rmSync(scratch, { recursive: true, force: true });
  });

  /** A real archive as the API sends it: written to a pipe, so that no place in it is marked. */
  async function makeArchive(): Promise<Buffer> {
    const url = new URL(inject('postgresUrl'));
    url.pathname = `/dumped_${process.pid}`;
    const admin = new pg.Client(inject('postgresUrl'));
    await admin.connect();
    await admin.query(`CREATE DATABASE ${url.pathname.slice(1)}`);
    try {
      const client = new pg.Client(url.href);
      await client.connect();
      await client.query(`CREATE TABLE a AS SELECT n, md5(n::text) AS text FROM generate_series(1, 20000) n; CREATE TABLE b (n int); CREATE TABLE c AS SELECT 1 AS n; SELECT lo_from_bytea(4711, 'large')`);
      await client.end();
      const dumped = await run('/bin/sh', ['-c', `"$1" --format=custom "$2" | cat > "$3"`, 'sh', join(postgresBinaries(), 'pg_dump'), url.href, join(scratch, 'source')]);
      expect(dumped, dumped.stderr).toMatchObject({ code: 0 });
      return readFileSync(join(scratch, 'source'));
    } finally {
      await admin.query(`DROP DATABASE ${url.pathname.slice(1)}`);
      await admin.end();
    }
  }

  const command = (...args: string[]): Promise<CommandResult> => freehold(['dump', ...args], environment);

  it('writes a file that has its name once it is whole, and checks it again', async () => {
    api.engine.backups.dumps = Readable.from([archive.subarray(0, 1_000), archive.subarray(1_000)], { objectMode: false });
    const made = await command('shop', '--output', file, '--json');
    expect(made, made.stderr).toMatchObject({ code: 0 });
    expect(JSON.parse(made.stdout)).toEqual({ file, bytes: archive.length, sha256, confirmed: true });
    expect([readFileSync(file).equals(archive), existsSync(`${file}.part`), statSync(file).mode & 0o777]).toEqual([true, false, 0o600]);
    const checked = await command('--verify', file, '--digest', sha256.toUpperCase(), '--json');
    expect(checked, checked.stderr).toMatchObject({ code: 0 });
    expect(JSON.parse(checked.stdout)).toEqual({ file, bytes: archive.length, sha256 });
  });

  it('tells the digest of what it writes to its output', async () => {
    api.engine.backups.dumps = ['PGDMP'];
    expect(await command('shop')).toMatchObject({ code: 0, stdout: 'PGDMP', stderr: expect.stringContaining(createHash('sha256').update('PGDMP').digest('hex')) as string });
  });

  it('leaves nothing, and the file that was there, when the dump is cut off', async () => {
    const before = readdirSync(scratch);
    api.engine.backups.dumps = [archive.subarray(0, 5).toString(), new Error('the server went away')];
    const cut = await command('shop', '--output', file);
    expect(cut).toMatchObject({ code: 1, stdout: '', stderr: expect.stringContaining('not whole') as string });
    expect([readdirSync(scratch), readFileSync(file).equals(archive)]).toEqual([before, true]);
  });

  it('finds a file that is cut off, wherever that is, and one that was changed', async () => {
    const lengths = [archive.length - 1, archive.length - 20, Math.floor(archive.length / 2), 300];
    await Promise.all(lengths.map(async (length) => {
      const cut = join(scratch, `cut-${length}`);
      writeFileSync(cut, archive.subarray(0, length));
      expect(await command('--verify', cut), `${length} of ${archive.length} bytes`).toMatchObject({ code: 1, stdout: '', stderr: expect.stringContaining('not whole') as string });
    }));
    writeFileSync(join(scratch, 'longer'), Buffer.concat([archive, Buffer.from('x')]));
    expect(await command('--verify', join(scratch, 'longer'), '--digest', sha256)).toMatchObject({ code: 1, stderr: expect.stringContaining('not what was dumped') as string });
  });

  it.each([
    [['--verify', '/nonexistent/file'], 'cannot be read: ENOENT'],
    [['shop', '--verify', '/bin/true'], 'a file alone'],
    [['--verify', '/bin/true', '--digest', 'abc'], '64 hexadecimal digits'],
    [['shop', '--digest', 'abc'], '--verify FILE'],
    [[], 'which database'],
    [['shop', '--output', '/nonexistent/file'], 'cannot be written: ENOENT'],
  ])('used wrongly says so: %j', async (args, says) => {
    api.engine.backups.dumps = ['PGDMP'];
    expect(await command(...args)).toMatchObject({ code: 2, stdout: '', stderr: expect.stringContaining(says) as string });
  });
});
