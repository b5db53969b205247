import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { chmodSync, existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import pg from 'pg';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { Vault } from '../../src/secrets/vault.js';
import { openEngine } from '../../src/engine/engine.js';
import { SILENT_LOG } from '../../src/engine/collaborators.js';
import { findInFiles } from '../support/find-in-files.js';
import { buildCommand, findListeners, freehold, mountsOf, processesOf, run, startFreehold } from '../support/freehold-command.js';
import { findSecrets, listLogs, readSecrets, type Secrets } from '../support/find-secrets.js';
import { readDocCommands } from '../support/read-doc-commands.js';
import { faultsOfTls, scanTls } from '../support/scan-tls.js';
import { freePort, postgresBinaries, startPostgres } from '../support/servers.js';

interface Ready {
  readonly api: string;
  readonly console: string;
  readonly operatorKey: string;
  readonly signupKey: string;
  readonly operatorEmail: string;
  readonly operatorPassword: string;
}

/** A fleet that the test started, and the database that it made there. */
interface Fleet {
  readonly dataDir: string;
  readonly port: number;
  ready: Ready;
  customerId: string;
  databaseId: string;
  uri: string;
}

/** A database, as the command shows it. */
interface Shown {
  readonly state: string;
  readonly epoch: number;
  readonly inSync: boolean;
  readonly observedAt: string | null;
  readonly watched: boolean;
  readonly endpoint: { readonly uri: string; readonly pooledUri: string; readonly readOnlyUri: string };
  readonly instances: readonly { readonly id: string; readonly role: string; readonly state: string; readonly host: string; readonly address: string; readonly port: number }[];
}

/** What `freehold drill disaster` reports. */
interface DrilledDisasters {
  readonly canaries: readonly string[];
  readonly disasters: readonly { readonly databaseId: string; readonly backupBytes: number; readonly rtoSeconds: number; readonly rpoSeconds: number; readonly lost: number }[];
  readonly predictions: readonly { readonly lost: string; readonly id: string; readonly seconds: number; readonly promisedSeconds: number }[];
}

const NOBODY = 65_534;
/** A row of a customer's. */
const AT_REST = 'words-that-nobody-reads-off-a-disk';
/** What any user of the machine may read: names of hosts and gateways, authorities' certificates, ports, programs; and nothing to write. */
const PUBLIC_PATHS = /^r \S*\/(?:fleet\.json|control\/ballast|bin(?:\/.*)?|hosts|hosts\/[\w-]+|gateways|gateways\/[\w-]+|regions(?:\/[\w-]+(?:\/ca\.pem)?)?|port|made|major|pid|freehold-site)$/;

/**
 * The tests share two fleets and follow one another: what one leaves is what the next begins with, as in a fleet's life.
 * The directories lie where only their owner may pass, as `mktemp -d` makes them.
 */
describe('two fleets on one machine', () => {
  const scratch = mkdtempSync(join(tmpdir(), 'freehold-e2e-'));
  let one: Fleet;
  let other: Fleet;
  let foreground: ChildProcess | undefined;
  /** The secrets that were told here, by what they are. */
  const told: Secrets = new Map();

  beforeAll(async () => {
    await buildCommand();
    [one, other] = await Promise.all([makeFleet(join(scratch, 'one')), makeFleet(join(scratch, 'other'))]);
  }, 120_000);

  afterAll(async () => {
    foreground?.kill('SIGTERM');
    await Promise.all(['one', 'other'].map((name) => freehold(['purge', '--yes', '--data-dir', join(scratch, name)])));
    rmSync(scratch, { recursive: true, force: true });
  }, 120_000);

  it('are announced in one line of JSON each', () => {
    expect(one.ready).toEqual({
      api: `http://127.0.0.1:${one.port}`,
      console: `http://127.0.0.1:${one.port}/console`,
      operatorKey: expect.stringMatching(/^fh_operator_.{32,}/) as string,
      signupKey: expect.stringMatching(/^fh_signup_.{32,}/) as string,
      operatorEmail: 'operator@localhost',
      operatorPassword: expect.stringMatching(/^([0-9a-f]{6}-){4}[0-9a-f]{6}$/) as string,
    });
    expect(other.ready.operatorKey).not.toBe(one.ready.operatorKey);
  });

  it('let the first operator in, with the password that was printed, to choose another', async () => {
    const { api, operatorEmail: email, operatorPassword: password } = one.ready;
    const response = await fetch(`${api}/v1/sessions`, {
      method: 'POST', headers: { 'content-type': 'application/json' }, body: JSON.stringify({ email, password }), signal: AbortSignal.timeout(20_000),
    });
    expect(await response.json()).toMatchObject({ state: 'signed-in', user: { email, role: 'operator' }, owes: 'new-password' });
  });

  it('sign up customers and make a database for each, with its steps shown', async () => {
    await Promise.all([one, other].map(async (fleet) => {
      fleet.customerId = await signUp(fleet);
      told.set(`API key of ${fleet.customerId}`, await makeKey(fleet));
      const args = ['databases', 'create', '--customer', fleet.customerId, '--name', 'shop', '--region', 'europe', '--json'];
      const result = await freehold(args, clientOf(fleet));
      expect(result.stderr).toContain('✓ create-primary');
      expect(result.code).toBe(0);
      const made = JSON.parse(result.stdout);
      expect(made.database).toMatchObject({ name: 'shop', region: 'europe', state: 'available', inSync: true });
      fleet.databaseId = made.database.id;
      fleet.uri = made.credentials.uri;
      told.set(`password of ${fleet.databaseId}`, made.credentials.password);
    }));
  });

  it('let psql in as any user of the machine, and a program with another driver, with the server verified', async () => {
    const nobody = process.getuid?.() === 0 ? NOBODY : undefined;
    const made = await run('psql', ['-X', '-q', one.uri, '-c', 'CREATE TABLE marks (n int)', '-c', 'INSERT INTO marks VALUES (1)'], { HOME: '/nonexistent' }, nobody);
    expect(made).toMatchObject({ code: 0, stderr: '' });
    expect(one.uri).toContain('sslmode=verify-full');
    await query(one.uri, 'INSERT INTO marks VALUES (2)');
    expect(await readMarks(one)).toEqual([1, 2]);
    await query(one.uri, `CREATE TABLE words AS SELECT '${AT_REST}'::text AS word FROM generate_series(1, 50)`);
  });

  it('speak TLS 1.2 and later, with strong ciphers, keys and certificates, at each endpoint and each instance', async () => {
    const { endpoint, instances } = await showDatabase(one);
    const places = [endpoint.uri, endpoint.pooledUri, endpoint.readOnlyUri].map((uri) => new URL(uri)).map(({ hostname: host, port }) => ({ host, port: Number(port) }));
    places.push(...instances.map(({ address: host, port }) => ({ host, port })));
    expect(places).toHaveLength(5);
    for (const { host, port } of places) {
      const scan = await scanTls({ host, port, postgres: true });
      expect([`${host}:${port}`, ...scan.protocols, ...faultsOfTls(scan)]).toEqual([`${host}:${port}`, 'TLSv1.2', 'TLSv1.3']);
    }
  });

  it('do not know each other', async () => {
    const foreign = await freehold(['databases', 'list'], { FREEHOLD_URL: other.ready.api, FREEHOLD_API_KEY: one.ready.operatorKey });
    expect(foreign.code).toBe(1);
    expect(foreign.stderr.trim().split('\n')).toHaveLength(1);
    const listed = JSON.parse((await freehold(['databases', 'list', '--json'], clientOf(other))).stdout);
    expect(listed.map((database: { id: string }) => database.id)).toEqual([other.databaseId]);
  });

  it('listen on their own loopback addresses alone, each with the programs that are to be reached there', () => {
    for (const fleet of [one, other]) {
      const { metadata, redis } = portsOf(fleet);
      const kinds = findListeners([fleet.dataDir, join('/run/freehold', fleetId(fleet))], [fleet.port, metadata, redis]).map(({ address, port, command }) => {
        const own = { [fleet.port]: 'api', [metadata]: 'metadata', [redis]: 'redis' }[port];
        if (own && address === '127.0.0.1') return `${own} at ${address}`;
        const program = /(postgres|haproxy|pgbouncer)(?= )/.exec(command)?.[1] ?? command;
        return `${program} at ${address.replace(/^127\.\d+\.\d+\.1$/, 'a gateway').replace(/^127\.\d+\.\d+\.[1-9]\d$/, 'a host')}`;
      });
      expect([...new Set(kinds)].sort()).toEqual(['api at 127.0.0.1', 'haproxy at a gateway', 'metadata at 127.0.0.1', 'pgbouncer at a gateway', 'postgres at a host', 'redis at 127.0.0.1']);
    }
  });

  it.runIf(process.getuid?.() === 0)('keep the account of an instance, and of a pooler, from all that is not its database\'s', async () => {
    const places = [one, other].flatMap((fleet) => [fleet.dataDir, join('/run/freehold', fleetId(fleet))]);
    const list = join(scratch, 'paths');
    const found = await run('find', [...places, '(', '-type', 'f', '-o', '-type', 'd', '-o', '-type', 's', ')']);
    writeFileSync(list, found.stdout);
    const accounts = [await run('sh', ['-c', `stat -c %u /run/freehold/${fleetId(one)}/hosts/*/*/volume/*/data`]), await run('sh', ['-c', `stat -c %u ${one.dataDir}/gateways/*/poolers/*/etc`])];
    const uids = new Set(accounts.flatMap(({ stdout }) => stdout.trim().split('\n').map(Number)));
    expect(uids.size).toBe(2);
    const redis = `exec 3<>/dev/tcp/127.0.0.1/${portsOf(one).redis}; printf 'PING\\r\\n' >&3; read -t 5 -r answer <&3; echo "redis $answer"`;
    const metadata = ['postgres', 'freehold'].map((user) => `psql -w -h 127.0.0.1 -p ${portsOf(one).metadata} -U ${user} -d ${user} -c 'SELECT 1' 2>&1 | grep -Eo 'no pg_hba.conf entry|no password supplied'`).join('; ');
    for (const uid of uids) {
      const tried = await run('bash', ['-c', `while IFS= read -r path; do [ -O "$path" ] && continue; [ -r "$path" ] && echo "r $path"; [ -w "$path" ] && echo "w $path"; done; ${redis}; ${metadata};
        for pid in /proc/[0-9]*; do [ -O "$pid" ] || { { kill -0 "\${pid#/proc/}" 2>/dev/null && echo "kill $pid"; } ; { head -c 1 "$pid/environ" >/dev/null 2>&1 && echo "environment $pid"; } ; }; done; :`], {}, uid, list);
      const lines = tried.stdout.trim().split('\n');
      const strange = lines.filter((line) => !PUBLIC_PATHS.test(line));
      expect(strange, `as ${uid}`).toEqual([expect.stringMatching(/^redis -NOAUTH/) as string, 'no pg_hba.conf entry', 'no password supplied']);
    }
  });

  it('know what their host should have, and what it lacks', async () => {
    const wall = await freehold(['harden', 'firewall', '--data-dir', one.dataDir, '--bind', '0.0.0.0', '--ssh-port', '2222']);
    expect(wall).toMatchObject({ code: 0, stderr: '' });
    expect(wall.stdout.split('\n').flatMap((line) => /tcp dport (\S+)/.exec(line)?.[1] ?? [])).toEqual(['2222', String(one.port)]);
    expect(await freehold(['harden', 'moat', '--data-dir', one.dataDir])).toMatchObject({ code: 2, stdout: '', stderr: expect.stringContaining('there are sysctl, limits') as string });
    chmodSync(join(one.dataDir, 'control/keys.sealed'), 0o644);
    const checked = await freehold(['harden', '--check', '--json', '--data-dir', one.dataDir]);
    chmodSync(join(one.dataDir, 'control/keys.sealed'), 0o600);
    const { lacks } = JSON.parse(checked.stdout) as { lacks: { id: string; what: string; fix: string }[] };
    expect(checked.code).toBe(1);
    // Whatever else this machine is like: the fleet's other files are closed.
    expect(lacks.filter(({ id }) => id === 'mode').map(({ what }) => what)).toEqual([expect.stringMatching(/keys\.sealed has the mode 0644, and may have 0600$/) as string]);
  });

  it('show what the API refuses in one line, with the field at fault', async () => {
    const result = await freehold(['databases', 'create', '--customer', one.customerId, '--name', 'Shop', '--region', 'europe'], clientOf(one));
    expect(result).toMatchObject({ code: 1, stdout: '' });
    expect(result.stderr).toMatch(/^freehold: .+: name .+\n$/);
  });

  it('fail over to a standby that is not in sync only when the loss is accepted, and say first how large it is', async () => {
    await query(other.uri, 'CREATE TABLE marks (n int)');
    const { instances } = await showDatabase(other);
    const standby = instances.find(({ role }) => role === 'standby')!.id;
    // It answers, and receives nothing: it is given up, and what is written from then on is on the primary alone.
    const [receiver] = processesOf([`postgres: ${standby}: walreceiver`]);
    process.kill(receiver!.pid, 'SIGSTOP');
    await until(async () => !(await showDatabase(other)).inSync);
    await query(other.uri, 'INSERT INTO marks VALUES (1)');
    const refused = await freehold(['failover', 'shop', '--json'], clientOf(other));
    expect(refused.code).toBe(1);
    expect(JSON.parse(refused.stdout)).toMatchObject({ status: 409, bytesAtRisk: expect.any(Number) as number });
    expect((JSON.parse(refused.stdout) as { bytesAtRisk: number }).bytesAtRisk).toBeGreaterThan(0);
    expect(refused.stderr).toMatch(/\d+ bytes of WAL may be lost.*--accept-data-loss/);
    const accepted = await freehold(['failover', 'shop', '--accept-data-loss', '--no-wait'], clientOf(other));
    expect(accepted, accepted.stderr).toMatchObject({ code: 0 });
    // Its primary is dead by then, so that it receives nothing more.
    await until(async () => (await showDatabase(other)).instances.some(({ state }) => state === 'fenced'));
    process.kill(receiver!.pid, 'SIGCONT');
    await until(async () => (await showDatabase(other)).state === 'available', 60_000);
    expect((await showDatabase(other)).epoch).toBe(2);
    expect(await readMarks(other)).toEqual([]);
  });

  it.each(['worker', 'api', 'redis', 'metadata'])('start %s again when it is killed', async (role) => {
    const before = pidOf(one, role);
    process.kill(before, 'SIGKILL');
    await until(() => pidOf(one, role) !== before && existsSync(`/proc/${pidOf(one, role)}`));
    await until(async () => (await readiness(one)) === 200);
    expect(await readMarks(one)).toEqual([1, 2]);
  });

  it('answer a second start with the same line', async () => {
    expect((await up(one)).ready).toEqual(one.ready);
    const foreground = await freehold(['up', '--data-dir', one.dataDir]);
    expect(foreground).toMatchObject({ code: 1, stdout: '' });
    expect(foreground.stderr).toContain('is already up');
  });

  it('come back with their data after everything of them was killed', async () => {
    for (const { pid } of processesOf(pathsOf(one))) kill(pid);
    await until(() => processesOf(pathsOf(one)).length === 0);
    expect((await up(one)).ready).toEqual(one.ready);
    expect(await readMarks(one)).toEqual([1, 2]);
    await until(async () => (await showDatabase(one)).state === 'available');
  });

  it('leave nothing running or mounted when they are taken down, and nothing else touched', async () => {
    const paths = pathsOf(one);
    expect((await freehold(['down', '--data-dir', one.dataDir])).code).toBe(0);
    expect(processesOf(paths)).toEqual([]);
    expect(mountsOf(paths)).toEqual([]);
    const [key] = readFileSync(readFileSync(join(one.dataDir, 'control/key-name'), 'utf8').split('\n')[1]!, 'utf8').split('\n');
    const secrets = [new URL(one.uri).password, one.ready.operatorKey, one.ready.signupKey, key!];
    const { atRest } = JSON.parse(readFileSync(join(one.dataDir, 'fleet.json'), 'utf8')) as { atRest: { encryption: string } };
    expect(found(one.dataDir, [...secrets, ...(atRest.encryption === 'none' ? [] : [AT_REST])])).toEqual([]);
    // Whoever has the disk has the backups of this fleet, too: but for the metadata's own, their keys must not be there.
    const keys = found(one.dataDir, ['cipher-pass=']).filter((place) => !place.includes('/metadata-'));
    if (atRest.encryption !== 'none') expect(keys).toEqual([]);
    expect((await freehold(['down', '--data-dir', one.dataDir])).code).toBe(0);
    await query(other.uri, 'SELECT 1');
    expect((await showDatabase(other)).state).toBe('available');
  });

  it('come back with their data, keys and ports; in the foreground, Ctrl-C stops the control plane alone', async () => {
    foreground = startFreehold(['up', '--data-dir', one.dataDir, '--json']);
    const [line] = (await once(foreground.stdout!, 'data')) as [Buffer];
    expect(JSON.parse(line.toString())).toEqual(one.ready);
    expect(await readMarks(one)).toEqual([1, 2]);
    process.kill(-foreground.pid!, 'SIGINT');
    expect(await once(foreground, 'exit')).toEqual([0, null]);
    expect(processesOf([join(one.dataDir, 'control')])).toEqual([]);
    await query(one.uri, 'INSERT INTO marks VALUES (3)');
    expect(await readMarks(one)).toEqual([1, 2, 3]);
  });

  it('get a new master key, however often that is cut off, while their databases go on', async () => {
    const [, keyFile] = readFileSync(join(one.dataDir, 'control/key-name'), 'utf8').split('\n');
    const before = readFileSync(keyFile!, 'utf8');
    for (const step of ['starting the metadata', 'secrets anew', 'everything is sealed']) {
      const rotating = startFreehold(['keys', 'rotate', '--data-dir', one.dataDir]);
      let said = '';
      rotating.stderr!.on('data', (chunk: Buffer) => {
        said += chunk.toString();
        if (said.includes(step)) kill(rotating.pid!);
      });
      await once(rotating, 'close');
      expect(said).toContain(step);
      expect(await readMarks(one)).toEqual([1, 2, 3]);
      if (step !== 'secrets anew') continue;
      const refused = await freehold(['up', '--data-dir', one.dataDir, '--detach']);
      expect(refused.stderr).toContain('freehold keys rotate');
    }
    const rotated = await freehold(['keys', 'rotate', '--data-dir', one.dataDir, '--json']);
    expect(rotated, rotated.stderr).toMatchObject({ code: 0 });
    expect(JSON.parse(rotated.stdout)).toMatchObject({ masterKey: keyFile });
    expect(readFileSync(keyFile!, 'utf8')).not.toBe(before);
    // What the worker and the engine open is sealed under the new key: its secrets, the key of its files, and its authority's.
    expect((await up(one)).ready).toEqual(one.ready);
    await until(async () => (await showDatabase(one)).state === 'available');
    const response = await fetch(`${one.ready.api}/v1/databases/${one.databaseId}/password`, {
      method: 'POST', headers: { authorization: `Bearer ${one.ready.operatorKey}` },
    });
    one.uri = ((await response.json()) as { uri: string }).uri;
    await until(async () => (await query(one.uri, 'SELECT').catch(() => undefined)) !== undefined);
    expect(await readMarks(one)).toEqual([1, 2, 3]);
  });

  it('get their metadata back after it was lost, while a client goes on in its session and notices nothing', async () => {
    const control = join(other.dataDir, 'control');
    await until(() => hasMetadataBackup(other));
    // The backup does not know this yet, or perhaps just does.
    const [switched] = await Promise.all([freehold(['switchover', 'shop'], clientOf(other)), proveMetadata(other)]);
    expect(switched, switched.stderr).toMatchObject({ code: 0 });
    const before = await showDatabase(other);
    const endWriting = await beginWriting(other);
    const { pid } = JSON.parse(readFileSync(join(control, 'run/supervisor.json'), 'utf8')) as { pid: number };
    const recover = ['recover', '--yes', '--json', '--data-dir', other.dataDir];
    expect(await freehold(recover)).toMatchObject({ code: 1, stderr: expect.stringContaining(`process ${pid}`) as string });
    process.kill(pid, 'SIGKILL');
    rmSync(join(control, 'metadata'), { recursive: true });
    expect(await freehold(['up', '--data-dir', other.dataDir])).toMatchObject({ code: 1, stderr: expect.stringContaining('freehold recover') as string });
    const recovered = await freehold(recover);
    expect(recovered, recovered.stderr).toMatchObject({ code: 0 });
    expect(JSON.parse(recovered.stdout)).toMatchObject({ databases: [{ id: other.databaseId, primary: expect.any(String) as string, paused: null }], unknown: [], movedAside: null });
    expect((await up(other)).ready).toEqual(other.ready);
    await until(async () => (await showDatabase(other)).state === 'available');
    const after = await showDatabase(other);
    expect(after).toMatchObject({ epoch: before.epoch, inSync: true });
    expect(primaryOf(after)).toBe(primaryOf(before));
    await endWriting();
    expect(await freehold(['failover', 'shop'], clientOf(other))).toMatchObject({ code: 0 });
    expect((await showDatabase(other)).epoch).toBe(before.epoch + 1);
  });

  it('import a database from another server, and say what it cannot bring', async () => {
    const source = await startPostgres();
    try {
      await query(source.url, `CREATE DATABASE "Läden 😀" TEMPLATE template0 ENCODING 'UTF8' LOCALE_PROVIDER icu ICU_LOCALE 'de-DE' LOCALE 'C.UTF-8'`);
      const url = source.url.replace(/postgres$/, encodeURIComponent('Läden 😀'));
      await query(url, `
        CREATE ROLE clerk; CREATE EXTENSION pg_trgm; CREATE EXTENSION dblink; DROP EXTENSION plpgsql; CREATE EXTENSION plpgsql; CREATE SCHEMA "my app";
        CREATE EXTENSION pg_prewarm SCHEMA "my app"; CREATE EXTENSION cube; CREATE EXTENSION earthdistance; CREATE TABLE places (at public.earth);
        CREATE TABLE "my app".items AS SELECT n, 'item ' || n AS name FROM generate_series(1, 50000) n; INSERT INTO "my app".items VALUES (0, 'Äpfel 😀');
        CREATE UNIQUE INDEX "by name" ON "my app".items (name); CREATE INDEX ON "my app".items USING gin (name gin_trgm_ops);
        GRANT SELECT ON "my app".items TO clerk; CREATE POLICY "for clerks" ON "my app".items TO clerk USING (true); COMMENT ON POLICY "for clerks" ON "my app".items IS 'x'`);
      const args = ['databases', 'import', '--customer', other.customerId, '--region', 'europe', '--json'];
      const imported = await freehold([...args, '--name', 'brought', '--from', url], clientOf(other));
      expect(imported, imported.stderr).toMatchObject({ code: 0 });
      const { database, credentials, notCarried, errors } = JSON.parse(imported.stdout);
      expect(database).toMatchObject({ name: 'brought', state: 'available', provider: 'icu', locale: 'de-DE' });
      expect(notCarried.map(({ kind, name }: { kind: string; name: string }) => `${kind} ${name}`)).toEqual([
        'role clerk', 'role freehold', 'policy my app.items for clerks', 'comment EXTENSION plpgsql', 'extension dblink',
      ]);
      expect(errors).toEqual([]);
      expect(await query(credentials.uri, `SELECT extname AS name, extnamespace::regnamespace::text AS schema, extowner::regrole::text AS owner FROM pg_extension WHERE extname <> 'plpgsql' ORDER BY 1`)).toEqual([
        { name: 'cube', schema: 'public', owner: 'freehold' }, { name: 'earthdistance', schema: 'public', owner: 'freehold' }, { name: 'pg_prewarm', schema: '"my app"', owner: 'freehold' }, { name: 'pg_trgm', schema: 'public', owner: 'brought' },
      ]);
      const asked = 'SELECT count(*)::int AS n, min(name) AS first, max(name) AS last FROM "my app".items';
      expect(await query(credentials.uri, asked)).toEqual([{ n: 50_001, first: 'Äpfel 😀', last: 'item 9999' }]);

      const dump = join(scratch, 'cut.dump');
      const made = await run(join(postgresBinaries(), 'pg_dump'), ['--format=custom', `--file=${dump}`, url]);
      expect(made).toMatchObject({ code: 0 });
      const whole = readFileSync(dump);
      writeFileSync(dump, whole.subarray(0, -20_000));
      const refused = await freehold([...args, '--name', 'cut', '--from-file', dump], clientOf(other));
      expect(refused).toMatchObject({ code: 1, stdout: '' });
      expect(refused.stderr).toContain('damaged or not whole');
      // Of a source whose language nobody knows.
      writeFileSync(dump, Buffer.from(whole.toString('latin1').replace("ICU_LOCALE = 'de-DE'", "ICU_LOCALE = 'xx-DE'"), 'latin1'));
      const unknown = await freehold([...args, '--name', 'cut', '--from-file', dump], clientOf(other));
      expect(unknown).toMatchObject({ code: 1, stdout: '' });
      expect(unknown.stderr).toMatch(/icu xx-DE, which cannot be had.*Nothing was made.*unique index +my app\.by name.*--locale C\.UTF-8/s);
      const listed = JSON.parse((await freehold(['databases', 'list', '--json'], clientOf(other))).stdout);
      expect(listed.map(({ name }: { name: string }) => name).sort()).toEqual(['brought', 'shop']);
    } finally {
      await source.stop();
    }
  });

  it('tell what a disaster would take, by canaries that lose everything, and touch nobody else\'s database', async () => {
    const before = await showLasting(other);
    const drill = await freehold(['drill', 'disaster', '--data-dir', other.dataDir, '--canaries', '1', '--size', '8', '--json'], clientOf(other));
    expect(drill, drill.stderr).toMatchObject({ code: 0 });
    const { canaries, disasters, predictions } = JSON.parse(drill.stdout) as DrilledDisasters;
    const [canary] = canaries;
    expect(disasters).toMatchObject([{ databaseId: canary, holes: 0, damaged: 0, failure: null }]);
    const { backupBytes, rtoSeconds, rpoSeconds, lost } = disasters[0]!;
    expect(backupBytes).toBeGreaterThan(8 * 2 ** 20);
    expect(rtoSeconds).toBeGreaterThan(0);
    expect(rpoSeconds > 0).toBe(lost > 0);
    const hosts = before.instances.map(({ host }) => host);
    expect(predictions.filter(({ lost }) => lost === 'server').map(({ id }) => id)).toEqual(expect.arrayContaining(hosts));
    for (const { seconds, promisedSeconds } of predictions) expect(seconds).toBeLessThan(promisedSeconds);

    expect(await showLasting(other)).toEqual(before);
    const listed = JSON.parse((await freehold(['databases', 'list', '--json'], clientOf(other))).stdout) as { id: string; state: string }[];
    expect(listed.find(({ id }) => id === canary)).toMatchObject({ state: 'deleted' });
    const left = readdirSync(join(other.dataDir, 'hosts')).map((host) => join(other.dataDir, 'hosts', host, canary!, 'volume')).filter(existsSync);
    expect([processesOf([canary!]), left]).toEqual([[], []]);
  });

  it('make an extension that PostgreSQL gives to superusers alone, and say why not another', async () => {
    await expect(query(other.uri, 'CREATE EXTENSION earthdistance CASCADE')).rejects.toThrow(/permission denied/);
    const made = await freehold(['extensions', 'create', 'shop', 'earthdistance'], clientOf(other));
    expect(made, made.stderr).toMatchObject({ code: 0, stdout: `${other.databaseId} has earthdistance\n` });
    expect(await query(other.uri, 'SELECT round(earth_distance(ll_to_earth(52, 5), ll_to_earth(52, 5))) AS metres')).toEqual([{ metres: 0 }]);
    const refused = await freehold(['extensions', 'create', 'shop', 'dblink'], clientOf(other));
    expect(refused).toMatchObject({ code: 1, stderr: expect.stringContaining('other customers') as string });
    const unmet = await freehold(['extensions', 'create', 'shop', 'tcn', '--schema', 'nowhere'], clientOf(other));
    expect(unmet).toMatchObject({ code: 1, stderr: expect.stringContaining('"nowhere" does not exist') as string });
    const dropped = await freehold(['extensions', 'drop', 'shop', 'earthdistance'], clientOf(other));
    expect(dropped, dropped.stderr).toMatchObject({ code: 0 });
  });

  it('say from where clients may connect', async () => {
    const list = (...words: string[]) => freehold(['databases', 'allow-list', ...words], clientOf(other));
    expect(await list('set', 'shop', '192.0.2.0/24', '127.0.0.1')).toMatchObject({ code: 0, stdout: '192.0.2.0/24\n127.0.0.1/32\n' });
    expect(await list('remove', 'shop', '127.0.0.1', '--json')).toMatchObject({ code: 0, stdout: '{"cidrs":["192.0.2.0/24"]}\n' });
    expect(await list('add', 'shop', '192.0.2.7/24')).toMatchObject({ code: 1, stderr: expect.stringContaining('has bits behind its prefix: write 192.0.2.0/24') as string });
    expect(await list('set', 'shop', '0.0.0.0/0', '::/0')).toMatchObject({ code: 0, stdout: '0.0.0.0/0\n::/0\n' });
    expect(await list('get', 'shop', '--json')).toMatchObject({ code: 0, stdout: '{"cidrs":["0.0.0.0/0","::/0"]}\n' });
  });

  it('make a role that only reads, give it a new password, and remove it', async () => {
    const made = await freehold(['roles', 'create', 'shop', 'reporting', '--json'], clientOf(other));
    expect(made, made.stderr).toMatchObject({ code: 0 });
    expect(JSON.parse(made.stdout)).toMatchObject({ user: 'reporting', uri: expect.stringMatching(/^postgresql:\/\/reporting:[\w-]{32}@/) as string });
    const listed = await freehold(['roles', 'list', 'shop', '--json'], clientOf(other));
    expect(JSON.parse(listed.stdout)).toEqual([{ name: 'reporting', access: 'readOnly' }]);
    told.set('first password of reporting', JSON.parse(made.stdout).password as string);
    const rotated = await freehold(['roles', 'password', 'shop', 'reporting'], clientOf(other));
    told.set('password of reporting', new URL(rotated.stdout.trim()).password);
    expect(rotated, rotated.stderr).toMatchObject({ code: 0, stdout: expect.stringMatching(/^postgresql:\/\/reporting:/) as string });
    expect(await freehold(['roles', 'create', 'shop', 'postgres'], clientOf(other))).toMatchObject({ code: 1, stderr: expect.stringContaining('name must be') as string });
    expect(await freehold(['roles', 'delete', 'shop', 'reporting'], clientOf(other))).toMatchObject({ code: 0, stdout: `reporting is gone from ${other.databaseId}\n` });
  });

  it('do what the documents tell people to type, where that changes nothing', async () => {
    const changesNothing = /^(databases (list|show|kept)|backups (list|policy)|operations list|alerts|regions|(extensions|roles) list)\b|^dump \S+$|^(hosts|data-centers) \w+ \S+ --plan$/;
    const { host } = (await showDatabase(other)).instances[0]!;
    const standsFor: Record<string, string> = { shop: other.databaseId, DB: other.databaseId, HOST: host, 'hst_…': host, DC: 'europe-frankfurt' };
    const typed = new Set(readDocCommands('freehold').map(({ words }) => words.map((word) => standsFor[word] ?? word).join(' ')).filter((words) => changesNothing.test(words)));
    expect(typed.size).toBeGreaterThan(8);
    await Promise.all([...typed].map(async (words) => {
      const result = await freehold(words.split(' '), clientOf(other));
      expect(result.code, `freehold ${words}: ${result.stderr}`).toBe(0);
    }));
  });

  it('tell no secret in any log, command line or environment, of all that was made and done there', async () => {
    const secrets = await readSecrets(other.dataDir);
    for (const name of ['operatorKey', 'signupKey'] as const) expect(secrets.get(name)).toBe(other.ready[name]);
    for (const [name, secret] of told) secrets.set(name, secret);
    expect(secrets.size).toBeGreaterThan(14);
    const [logs, processes] = [listLogs(other.dataDir), processesOf(pathsOf(other))];
    for (const role of ['api', 'worker', 'supervisor']) expect(logs).toContain(join(other.dataDir, `control/logs/${role}.log`));
    expect(processes.length).toBeGreaterThan(10);
    // The hunt finds what is there.
    const { pid } = processes.find(({ command }) => command.includes('postgres'))!;
    expect(findSecrets(new Map([['a word', 'postgres']]), [], [pid])).toContain(`a word in /proc/${pid}/cmdline`);
    expect(findSecrets(secrets, logs, processes.map((process) => process.pid))).toEqual([]);
  });

  it('write down who did what, in a chain that can be verified and exported', async () => {
    const verified = await freehold(['audit', 'verify', '--anchors', join(other.dataDir, 'control/audit-anchors.jsonl')], clientOf(other));
    expect(verified, verified.stderr).toMatchObject({ code: 0, stdout: expect.stringMatching(/^\d+ entries, .*\nnothing was changed\n$/) as string });
    const listed = await freehold(['audit', 'list', '--action', 'role.create', '--result', 'done', '--json'], clientOf(other));
    expect(JSON.parse(listed.stdout)).toMatchObject([{ action: 'role.create', subjectId: other.databaseId, actor: 'key_operator' }]);
    const exported = await freehold(['audit', 'export', '--database', other.databaseId], clientOf(other));
    expect(exported.stdout.trimEnd().split('\n').map((line) => (JSON.parse(line) as { action: string }).action)).toContain('role.create');
    const strange = join(scratch, 'strange.jsonl');
    writeFileSync(strange, `{"sequence":1,"hash":"${'0'.repeat(64)}"}\n`);
    expect(await freehold(['audit', 'verify', '--anchors', strange], clientOf(other))).toMatchObject({ code: 1, stdout: expect.stringContaining('rewritten') as string });
  });

  it('delete a database with its steps shown', async () => {
    const result = await freehold(['databases', 'delete', 'shop'], clientOf(other));
    expect(result).toMatchObject({ code: 0, stdout: `${other.databaseId} is deleted\n` });
    await expect(query(other.uri, 'SELECT 1')).rejects.toThrow();
  });

  it('are gone without a trace after a purge', async () => {
    for (const fleet of [one, other]) {
      const paths = pathsOf(fleet);
      const key = readFileSync(join(fleet.dataDir, 'control/key-name'), 'utf8').split('\n')[1]!;
      expect(existsSync(key)).toBe(true);
      expect(await freehold(['purge', '--data-dir', fleet.dataDir])).toMatchObject({ code: 2, stdout: '' });
      expect((await freehold(['purge', '--yes', '--data-dir', fleet.dataDir])).code).toBe(0);
      expect([fleet.dataDir, key].filter(existsSync)).toEqual([]);
      expect(processesOf(paths)).toEqual([]);
      expect(mountsOf(paths)).toEqual([]);
    }
  });
});

async function makeFleet(dataDir: string): Promise<Fleet> {
  const fleet = { dataDir, port: await freePort(), customerId: '', databaseId: '', uri: '' };
  return { ...fleet, ...(await up(fleet)) };
}

async function up(fleet: { dataDir: string; port: number }): Promise<{ ready: Ready }> {
  const result = await freehold(['up', '--data-dir', fleet.dataDir, '--port', String(fleet.port), '--detach', '--json'], { FREEHOLD_ENCRYPTION: 'on' });
  expect(result, result.stderr).toMatchObject({ code: 0 });
  expect(result.stdout.trim().split('\n')).toHaveLength(1);
  return { ready: JSON.parse(result.stdout) as Ready };
}

async function signUp(fleet: Fleet): Promise<string> {
  const response = await fetch(`${fleet.ready.api}/v1/customers`, {
    method: 'POST',
    headers: { authorization: `Bearer ${fleet.ready.signupKey}`, 'content-type': 'application/json' },
    body: JSON.stringify({ name: 'Acme', email: 'acme@example.com' }),
  });
  const customer = (await response.json()) as { id: string };
  expect(customer.id).toMatch(/^cus_/);
  return customer.id;
}

/** Makes a key of the customer's own, and uses it. */
async function makeKey({ ready, customerId }: Fleet): Promise<string> {
  const response = await fetch(`${ready.api}/v1/customers/${customerId}/api-keys`, {
    method: 'POST',
    headers: { authorization: `Bearer ${ready.signupKey}`, 'content-type': 'application/json' },
    body: JSON.stringify({ name: 'their own' }),
  });
  const { key } = (await response.json()) as { key: string };
  const used = await fetch(`${ready.api}/v1/databases`, { headers: { authorization: `Bearer ${key}` } });
  expect(used.status).toBe(200);
  return key;
}

function clientOf(fleet: Fleet): Record<string, string> {
  return { FREEHOLD_URL: fleet.ready.api, FREEHOLD_API_KEY: fleet.ready.operatorKey };
}

async function showDatabase(fleet: Fleet): Promise<Shown> {
  return JSON.parse((await freehold(['databases', 'show', fleet.databaseId, '--json'], clientOf(fleet))).stdout) as Shown;
}

/** What does not change from one moment to the next. */
async function showLasting(fleet: Fleet): Promise<Shown> {
  const shown = await showDatabase(fleet);
  return { ...shown, observedAt: null, watched: true, instances: shown.instances.map((instance) => ({ ...instance, lagBytes: 0, lagSeconds: 0 })) };
}

async function readiness(fleet: Fleet): Promise<number> {
  return fetch(`${fleet.ready.api}/readyz`).then((response) => response.status, () => 0);
}

/** Every path by which processes and mounts of a fleet can be recognised. */
function pathsOf(fleet: Fleet): string[] {
  const { id } = JSON.parse(readFileSync(join(fleet.dataDir, 'fleet.json'), 'utf8')) as { id: string };
  return [fleet.dataDir, `/run/freehold/${id}`];
}

function pidOf(fleet: Fleet, role: string): number {
  return (JSON.parse(readFileSync(join(fleet.dataDir, `control/run/${role}.json`), 'utf8')) as { pid: number }).pid;
}

const fleetId = ({ dataDir }: Fleet): string => (JSON.parse(readFileSync(join(dataDir, 'fleet.json'), 'utf8')) as { id: string }).id;
const portsOf = ({ dataDir }: Fleet) => JSON.parse(readFileSync(join(dataDir, 'control/ports.json'), 'utf8')) as { metadata: number; redis: number };

async function query(uri: string, sql: string): Promise<Record<string, unknown>[]> {
  const client = new pg.Client({ connectionString: uri, connectionTimeoutMillis: 10_000 });
  await client.connect();
  try {
    return (await client.query<Record<string, unknown>>(sql)).rows;
  } finally {
    await client.end();
  }
}

const primaryOf = ({ instances }: Shown): string | undefined => instances.find(({ role }) => role === 'primary')?.id;

/** Whether each live site has a whole backup of the metadata. */
function hasMetadataBackup(fleet: Fleet): boolean {
  return ['falkenstein', 'gravelines', 'toronto'].every((site) => {
    const sets = join(fleet.dataDir, 'sites', site, 'sets');
    return readdirSync(sets).some((set) => set.startsWith('metadata-') && existsSync(join(sets, set, 'backup/main/latest')));
  });
}

/** Restores the newest backup of the metadata beside it, as the keeper does once a day. */
async function proveMetadata({ dataDir }: Fleet): Promise<void> {
  const [, keyFile] = readFileSync(join(dataDir, 'control/key-name'), 'utf8').split('\n');
  const vault = new Vault(Buffer.from(readFileSync(keyFile!, 'utf8'), 'base64'));
  const engine = await openEngine({ engine: 'local', dataDir, vault, log: SILENT_LOG });
  const backups = engine.metadataBackups!;
  const signal = AbortSignal.timeout(60_000);
  const [newest] = await backups.list('toronto', signal);
  await backups.prove({ site: 'toronto', label: newest!.label }, signal);
  expect((await backups.observe(signal))?.provedAt).toBeInstanceOf(Date);
  await engine.close();
}

/** Writes rows one after the other in one session; answers with what ends that, and fails if any was refused or lost. */
async function beginWriting(fleet: Fleet): Promise<() => Promise<void>> {
  const client = new pg.Client({ connectionString: fleet.uri });
  client.on('error', () => undefined);
  await client.connect();
  await client.query('CREATE TABLE written (n int)');
  let ends = false;
  const write = async (): Promise<number> => {
    let n = 0;
    for (; !ends; n += 1) await client.query('INSERT INTO written VALUES ($1)', [n]);
    return n;
  };
  const writing = write();
  writing.catch(() => undefined);
  return async () => {
    ends = true;
    const written = await writing;
    expect((await client.query<{ n: number }>('SELECT count(*)::int AS n FROM written')).rows).toEqual([{ n: written }]);
    await client.end();
  };
}

async function readMarks(fleet: Fleet): Promise<unknown[]> {
  return (await query(fleet.uri, 'SELECT n FROM marks ORDER BY n')).map((row) => row.n);
}

/** Which words are in any file of a directory, images of volumes and backups included: what is read by who has the disk. */
function found(directory: string, words: readonly string[]): string[] {
  const files = readdirSync(directory, { recursive: true, withFileTypes: true }).filter((entry) => entry.isFile());
  return findInFiles(files.map(({ parentPath, name }) => join(parentPath, name)), words);
}

function kill(pid: number): void {
  try {
    process.kill(pid, 'SIGKILL');
  } catch {
    // It ended with its parent.
  }
}

async function until(holds: () => boolean | Promise<boolean>, deadlineMs = 90_000): Promise<void> {
  const end = performance.now() + deadlineMs;
  while (!(await holds())) {
    if (performance.now() > end) throw new Error('the condition did not come true in time');
    await delay(50);
  }
}
