import { randomInt } from 'node:crypto';
import { chmod, mkdtemp, readFile, rm, stat } from 'node:fs/promises';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';

import type { RouterEntry } from '../../src/engine/local/gateway/router/router-entry.js';
import { Router, type RecordedRoutes } from '../../src/engine/local/gateway/router/router-process.js';
import { HostShell } from '../../src/engine/local/machine/host-shell.js';
import {
  CANCEL_REQUEST, CLIENT_HELLO, GSSENC_REQUEST, RawClient, SSL_REQUEST, STARTUP_MESSAGE, startEchoInstance, type EchoInstance,
} from '../support/first-bytes.js';
import { eventually } from '../support/servers.js';

const SLOTS = 1_000;
/** A port of the range that another program holds; no test uses it otherwise. */
const BUSY_SLOT = 999;

/** One router with two stand-ins for instances behind it; each test has a port of its own. */
describe('the router of a region', () => {
  const network = `127.${randomInt(2, 255)}.${randomInt(1, 255)}`;
  const address = `${network}.1`;
  const firstPort = randomInt(10, 30) * 1_000;
  const signal = (): AbortSignal => AbortSignal.timeout(60_000);
  const clients: RawClient[] = [];
  let root: string;
  let shell: HostShell;
  let router: Router;
  let one: EchoInstance;
  let two: EchoInstance;
  let occupant: ReturnType<typeof createServer>;
  let record: { entries: RouterEntry[]; removed: { databaseId: string; token: bigint }[] } = { entries: [], removed: [] };
  let slot = 0;
  /** Begins to wait before the other tests, which take about as long. */
  let heldForLong: { readonly port: number; readonly refusedAfterMs: Promise<number> };

  const target = ({ address, port }: EchoInstance): { address: string; port: number } => ({ address, port });
  const nextEntry = (more: Partial<RouterEntry> = {}): RouterEntry => {
    slot += 1;
    return { port: firstPort + slot, databaseId: `db_${slot}`, token: 5n, state: 'open', targets: [target(one)], mostConnections: 10_000, allow: null, ...more };
  };
  const open = (port: number, first: Buffer | null = SSL_REQUEST, from?: string): RawClient => {
    const client = RawClient.open(address, port, first, from);
    clients.push(client);
    return client;
  };
  const start = (): Promise<{ busyPorts: number[] }> =>
    shell.fenced({ directory: `${root}/gateway`, name: 'the gateway' }, signal(), (gate) => router.start(gate, async (): Promise<RecordedRoutes> => record, signal()));
  const kill = (): Promise<void> =>
    shell.fenced({ directory: `${root}/gateway`, name: 'the gateway' }, signal(), async (gate) => {
      const process = await router.find();
      if (process) await router.kill(gate, process, signal());
    });
  const log = (): Promise<string> => readFile(router.paths.log, 'utf8');

  beforeAll(async () => {
    root = await mkdtemp(join(tmpdir(), 'freehold-router-'));
    await chmod(root, 0o711);
    shell = await HostShell.open(root);
    const account = shell.isRoot ? { uid: 1_500_000_000 + randomInt(1_000_000), gid: 1_500_000_000 } : undefined;
    await shell.ensureDirectory(`${root}/run`, 0o700, account);
    [one, two] = await Promise.all([startEchoInstance(`${network}.11`), startEchoInstance(`${network}.12`)]);
    occupant = createServer();
    await new Promise<void>((resolve) => occupant.listen(firstPort + BUSY_SLOT, address, resolve));
    router = new Router({
      shell, account, program: '/usr/sbin/haproxy', regionId: 'europe', directory: `${root}/gateway/router`, socketDirectory: `${root}/run`,
      listenAddresses: [address, '::1'], sourceAddress: address, firstPort, slots: SLOTS,
    });
    expect(await start()).toEqual({ busyPorts: [firstPort + BUSY_SLOT] });
    const entry = nextEntry({ state: 'held', targets: [] });
    await router.set([entry], signal());
    const began = performance.now();
    heldForLong = { port: entry.port, refusedAfterMs: RawClient.open(address, entry.port).ended.then(() => performance.now() - began) };
  });

  afterEach(() => {
    for (const client of clients.splice(0)) client.close();
  });

  afterAll(async () => {
    await kill();
    await Promise.all([one.stop(), two.stop(), new Promise((resolve) => occupant.close(resolve))]);
    await rm(root, { recursive: true, force: true });
  });

  it('is found, answers, and can be told things by nobody else', async () => {
    const process = await router.find();
    expect(process && (await router.serves(process, signal()))).toBe(true);
    expect(((await stat(router.paths.socket)).mode & 0o777).toString(8)).toBe('600');
    expect(((await stat(`${root}/run`)).mode & 0o777).toString(8)).toBe('700');
    expect((await stat(router.paths.socket)).uid).toBe((await stat(`${root}/run`)).uid);
    expect((await stat(`/proc/${process?.pid ?? 0}`)).uid).toBe((await stat(`${root}/run`)).uid);
  });

  it('forwards from its own address, and sets a route in well under 5 ms', async () => {
    const entry = nextEntry();
    const times: number[] = [];
    for (let round = 0; round < 50; round += 1) {
      const began = performance.now();
      await router.set([{ ...entry, token: BigInt(round) }], signal());
      times.push(performance.now() - began);
    }
    const median = times.sort((a, b) => a - b)[25] ?? 0;
    console.log(`a route set: median ${median.toFixed(2)} ms`);
    // The fastest: what a loaded machine adds is not the router's.
    expect(times[0]).toBeLessThan(5);
    const client = await open(entry.port).answered();
    expect(await client.echoes('hello')).toBe(true);
    expect(one.sources.at(-1)).toBe(address);
  });

  it('holds 400 clients, and lets them go on when the route opens, elsewhere', async () => {
    const entry = nextEntry({ state: 'held' });
    await router.set([entry], signal());
    const before = one.sources.length + two.sources.length;
    const held = Array.from({ length: 400 }, () => open(entry.port));
    await eventually('all to be connected', () => held.every(({ socket }) => !socket.connecting));
    const cancel = open(entry.port, CANCEL_REQUEST);
    expect(await cancel.ended).toBe('');
    expect(await router.sessions([entry.port], signal())).toEqual(new Map([[entry.port, 0]]));
    expect(one.sources.length + two.sources.length).toBe(before);
    expect(held.every((client) => client.lives)).toBe(true);
    await router.set([{ ...entry, token: 6n, state: 'open', targets: [target(two)] }], signal());
    const began = performance.now();
    await Promise.all(held.map((client) => client.answered()));
    console.log(`400 held clients went on within ${(performance.now() - began).toFixed(0)} ms`);
    expect(await router.sessions([entry.port], signal())).toEqual(new Map([[entry.port, 400]]));
    expect(two.open.size).toBeGreaterThanOrEqual(400);
  });

  it('refuses a lower token, and leaves the route as it was', async () => {
    const entry = nextEntry({ token: 9_007_199_254_740_995n });
    await router.set([entry], signal());
    const older = { ...entry, token: 9_007_199_254_740_994n, targets: [target(two)] };
    await expect(router.set([older], signal())).rejects.toMatchObject({ kind: 'superseded', message: expect.stringContaining('9007199254740995') });
    await expect(router.set([{ ...older, port: entry.port + SLOTS }], signal())).rejects.toMatchObject({ kind: 'superseded' });
    await open(entry.port).answered();
    expect(one.open.size).toBe(1);
  });

  it('sets hundreds of long entries in one connection', async () => {
    const allow = Array.from({ length: 200 }, (_, at) => `10.${at}.0.0/16`);
    const entries = Array.from({ length: 300 }, () => nextEntry({ allow }));
    await router.set(entries, signal());
    await expect(router.set([{ ...nextEntry(), allow: Array.from({ length: 2_000 }, () => '10.200.0.0/16') }], signal())).rejects.toMatchObject({ kind: 'permanent' });
    await router.set(entries.map((entry) => ({ ...entry, allow: null })), signal());
    await open(entries.at(-1)?.port ?? 0).answered();
  });

  it('remembers the token of a removed route, and gives its port to another', async () => {
    const entry = nextEntry();
    await router.set([entry, { ...entry, port: entry.port + SLOTS }], signal());
    const other = { ...entry, databaseId: `${entry.databaseId}b`, token: 1n, targets: [target(two)] };
    await expect(router.set([other], signal())).rejects.toMatchObject({ kind: 'permanent' });
    await expect(router.remove([entry.port], entry.databaseId, 4n, signal())).rejects.toMatchObject({ kind: 'superseded' });
    await router.remove([entry.port, entry.port + SLOTS], entry.databaseId, 7n, signal());
    expect(await open(entry.port).ended).toBe('');
    await router.set([other], signal());
    await expect(router.set([{ ...entry, token: 6n }], signal())).rejects.toMatchObject({ kind: 'superseded' });
    await router.remove([entry.port], entry.databaseId, 8n, signal());
    await open(entry.port).answered();
    expect(two.open.size).toBeGreaterThan(0);
  });

  it('cuts the sessions of its ports at once, and nobody else\'s', async () => {
    const [mine, others] = [nextEntry(), nextEntry()];
    await router.set([mine, others], signal());
    const cut = await Promise.all(Array.from({ length: 1_000 }, () => open(mine.port).answered()));
    const left = await Promise.all(Array.from({ length: 100 }, () => open(others.port).answered()));
    await router.set([{ ...mine, state: 'held' }], signal());
    const waiting = open(mine.port);
    const began = performance.now();
    await router.cut([mine.port], signal());
    console.log(`1,000 sessions cut in ${(performance.now() - began).toFixed(1)} ms`);
    await Promise.all(cut.map((client) => client.ended));
    expect(await router.sessions([mine.port, others.port], signal())).toEqual(new Map([[mine.port, 0], [others.port, 100]]));
    expect(await Promise.all(left.map((client) => client.echoes('still here')))).not.toContain(false);
    await router.set([mine], signal());
    await waiting.answered();
  });

  it('cuts sessions whose client does not read, or whose instance did not and was killed', async () => {
    const [idle, stuck] = [nextEntry(), nextEntry({ targets: [target(two)] })];
    await router.set([idle, stuck], signal());
    const [deaf, talker] = await Promise.all([open(idle.port).answered(), open(stuck.port).answered()]);
    deaf.socket.pause();
    for (const socket of two.open) socket.pause();
    for (const { socket } of [deaf, talker]) socket.write(Buffer.alloc(32 * 1024 * 1024));
    // What the kernel takes is less than that, so that the router is left with the rest.
    await eventually('all buffers to be full', () => deaf.socket.bytesWritten > 1_000_000 && talker.socket.writableLength > 0);
    await router.set([idle, stuck].map((entry) => ({ ...entry, state: 'held' as const })), signal());
    const began = performance.now();
    for (const socket of two.open) socket.resetAndDestroy();
    await router.cut([idle.port, stuck.port], signal());
    deaf.socket.resume();
    await Promise.all([deaf.ended, talker.ended]);
    await eventually('the instances to be left', () => one.open.size + two.open.size === 0);
    expect(performance.now() - began).toBeLessThan(5_000);
  });

  it('leaves nobody behind who comes in while a route is held and cut', async () => {
    const entry = nextEntry();
    let running = true;
    const crowd = Array.from({ length: 20 }, async () => {
      while (running) {
        const client = RawClient.open(address, entry.port);
        await client.answered().catch(() => undefined);
        if (running) await Promise.race([client.ended, new Promise((resolve) => setImmediate(resolve))]);
        client.close();
      }
    });
    for (let round = 0n; round < 25n; round += 1n) {
      await router.set([{ ...entry, token: 10n + 2n * round }], signal());
      await eventually('somebody to be in', async () => (await router.sessions([entry.port], signal())).get(entry.port) !== 0);
      await router.set([{ ...entry, token: 11n + 2n * round, state: 'held' }], signal());
      await router.cut([entry.port], signal());
      for (let look = 0; look < 5; look += 1) expect(await router.sessions([entry.port], signal())).toEqual(new Map([[entry.port, 0]]));
      await eventually('the instance to be left', () => one.open.size === 0);
    }
    running = false;
    await router.set([{ ...entry, token: 1_000n }], signal());
    await Promise.all(crowd);
  });

  it('lets in only what a client of PostgreSQL begins with', async () => {
    const entry = nextEntry();
    await router.set([entry], signal());
    for (const first of [SSL_REQUEST, GSSENC_REQUEST, STARTUP_MESSAGE, CLIENT_HELLO]) await open(entry.port, first).answered();
    const before = one.sources.length;
    expect(await open(entry.port, CANCEL_REQUEST).ended).toBe('');
    expect(one.sources.length).toBe(before + 1);
    for (const first of ['GET / HTTP/1.1\r\n\r\n', '\0\0\0\x08\x04\xd2\x16\x31', '\0\0\0\x09\x04\xd2\x16\x2f!', '\0\x01\0\x10\0\x03\0\0', '\x16\x03\x01\0\xc8\x02\0\0']) {
      expect(await open(entry.port, Buffer.from(first, 'latin1')).ended).toBe('');
    }
    expect(one.sources.length).toBe(before + 1);
    expect(await router.refusals(signal())).toContainEqual({ port: entry.port, counts: { 'first-bytes': 5 } });
    expect(Object.fromEntries(await router.lastRefusals(entry.databaseId))).toEqual({ 'first-bytes': { at: expect.stringMatching(/^20.*Z$/) as string, source: '127.0.0.1' } });
    // One source's are not all logged.
    const lines = (await log()).split('\n').filter((line) => line.includes(`port=${entry.port} `));
    expect(lines).toHaveLength(3);
    expect(lines[0]).toMatch(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ first-bytes database=db_\d+ port=\d+ source=127\.0\.0\.1 state=PR$/);
  });

  it('keeps 4,500 silent connections away from the instance, and ends them, while others are served', async () => {
    const [attacked, quiet] = [nextEntry(), nextEntry()];
    await router.set([attacked, quiet], signal());
    const before = one.sources.length;
    const silent = Array.from({ length: 4_500 }, () => open(attacked.port, null));
    await Promise.all(Array.from({ length: 50 }, () => open(quiet.port).answered()));
    await open(attacked.port).answered();
    await Promise.all(silent.map((client) => client.ended));
    expect(one.sources.length).toBe(before + 51);
  });

  it('asks the allow-list before anything else', async () => {
    const entry = nextEntry({ allow: ['127.0.0.9/32', '127.7.0.0/16', '2001:db8::/32'] });
    const nobody = nextEntry({ allow: [] });
    await router.set([entry, nobody], signal());
    const before = one.sources.length;
    expect(await open(entry.port, null).ended).toBe('');
    expect(await open(entry.port, SSL_REQUEST, '127.0.0.8').ended).toBe('');
    expect(await open(nobody.port).ended).toBe('');
    expect(one.sources.length).toBe(before);
    await open(entry.port, SSL_REQUEST, '127.0.0.9').answered();
    await open(entry.port, SSL_REQUEST, '127.7.8.9').answered();
    expect(await router.refusals(signal())).toContainEqual({ port: entry.port, counts: { 'allow-list': 2 } });
    expect(await log()).toMatch(new RegExp(`allow-list database=${entry.databaseId} port=${entry.port} source=127\\.0\\.0\\.8 `));
    await router.set([{ ...entry, token: 6n, allow: ['127.0.0.8'] }], signal());
    await open(entry.port, SSL_REQUEST, '127.0.0.8').answered();
    expect(await open(entry.port, SSL_REQUEST, '127.0.0.9').ended).toBe('');
  });

  it('cuts the sessions of sources that may not come any more, and nobody else\'s', async () => {
    const entry = nextEntry();
    const other = nextEntry();
    await router.set([entry, other], signal());
    const [stays, goes, neighbour] = [open(entry.port, SSL_REQUEST, '127.0.0.9'), open(entry.port, SSL_REQUEST, '127.0.0.8'), open(other.port, SSL_REQUEST, '127.0.0.8')];
    await Promise.all([stays, goes, neighbour].map((client) => client.answered()));
    await router.set([{ ...entry, token: 6n, allow: ['127.0.0.9/32'] }], signal());
    expect(await router.cutSources([entry.port], (source) => source !== '127.0.0.9', signal())).toBe(1);
    await goes.ended;
    expect(await router.cutSources([entry.port], (source) => source !== '127.0.0.9', signal())).toBe(0);
    expect(await router.sessions([entry.port, other.port], signal())).toEqual(new Map([[entry.port, 1], [other.port, 1]]));
    expect([stays, neighbour].map(({ lives }) => lives)).toEqual([true, true]);
  });

  it('asks the list again when a client that waited is let go on, and when its first bytes come late', async () => {
    const entry = nextEntry({ state: 'held', targets: [] });
    const late = nextEntry();
    await router.set([entry, late], signal());
    const [stays, goes] = ['127.0.0.9', '127.0.0.8'].map((from) => open(entry.port, SSL_REQUEST, from));
    const slow = open(late.port, null, '127.0.0.8');
    await eventually('the late client to be in', () => slow.socket.readyState === 'open');
    await router.set([{ ...entry, token: 6n, state: 'open', targets: [target(one)], allow: ['127.0.0.9/32'] }, { ...late, token: 6n, allow: ['127.0.0.9/32'] }], signal());
    slow.socket.write(SSL_REQUEST);
    await stays!.answered();
    expect(await Promise.all([goes!.ended, slow.ended])).toEqual(['', '']);
    expect(await router.refusals(signal())).toEqual(expect.arrayContaining([{ port: entry.port, counts: { 'allow-list': 1 } }, { port: late.port, counts: { 'allow-list': 1 } }]));
  });

  it('knows clients of IPv6, and the longest list that there may be', async () => {
    const networks = Array.from({ length: 199 }, (_, index) => `2001:db8:1111:2222:3333:4444:5555:${(0x1000 + index).toString(16)}/128`);
    const entry = nextEntry({ allow: [...networks, '::1/128'] });
    const open4 = nextEntry({ allow: ['0.0.0.0/0'] });
    await router.set([entry, open4], signal());
    const on6 = (port: number): RawClient => {
      const client = RawClient.open('::1', port, SSL_REQUEST);
      clients.push(client);
      return client;
    };
    await on6(entry.port).answered();
    expect(await open(entry.port).ended).toBe('');
    expect(await on6(open4.port).ended).toBe('');
    await open(open4.port).answered();
    expect(await router.cutSources([entry.port], (source) => source === '::1', signal())).toBe(1);
  });

  it('limits the connections of a source, and of all of them together', async () => {
    const entry = nextEntry({ mostConnections: 10 });
    await router.set([entry], signal());
    const first = await Promise.all(Array.from({ length: 8 }, () => open(entry.port).answered()));
    expect(await open(entry.port).ended).toBe('');
    await Promise.all([open(entry.port, SSL_REQUEST, '127.0.0.2').answered(), open(entry.port, SSL_REQUEST, '127.0.0.2').answered()]);
    expect(await open(entry.port, SSL_REQUEST, '127.0.0.3').ended).toBe('');
    expect(await router.refusals(signal())).toContainEqual({ port: entry.port, counts: { 'source-limit': 1, 'endpoint-limit': 1 } });
    first[0]?.close();
    await eventually('the place to be free', async () => (await router.sessions([entry.port], signal())).get(entry.port) === 9);
    await open(entry.port).answered();
    const text = await log();
    expect(text).toContain(`source-limit database=${entry.databaseId} port=${entry.port} source=127.0.0.1 `);
    expect(text).toContain(`endpoint-limit database=${entry.databaseId} port=${entry.port} source=127.0.0.3 `);
  });

  it('limits how often a source comes, and leaves the rest to others', async () => {
    const [attacked, quiet] = [nextEntry({ mostConnections: 50 }), nextEntry()];
    await router.set([attacked, quiet], signal());
    const before = one.sources.length;
    let ended = 0;
    await Promise.all(Array.from({ length: 40 }, async () => {
      for (let round = 0; round < 30; round += 1) {
        const client = RawClient.open(address, attacked.port);
        await client.answered().catch(() => (ended += 1));
        client.close();
      }
    }));
    const entered = one.sources.length - before;
    expect(entered).toBeLessThanOrEqual(800);
    expect(ended).toBeGreaterThanOrEqual(1_200 - 800);
    await open(attacked.port, SSL_REQUEST, '127.0.0.2').answered();
    await open(quiet.port).answered();
    expect((await log()).split('\n').filter((line) => line.includes(`port=${attacked.port} `)).length).toBeLessThan(50);
  });

  it('refuses a client that was held for ten seconds', async () => {
    const waitedMs = await heldForLong.refusedAfterMs;
    expect(waitedMs).toBeGreaterThan(9_900);
    expect(waitedMs).toBeLessThan(20_000);
    expect(await router.refusals(signal())).toContainEqual({ port: heldForLong.port, counts: { 'held-too-long': 1 } });
  });

  it('spreads new sessions over two targets', async () => {
    const entry = nextEntry({ targets: [target(one), target(two)] });
    await router.set([entry], signal());
    const before = [one.sources.length, two.sources.length];
    await Promise.all(Array.from({ length: 200 }, () => open(entry.port).answered()));
    const shares = [one.sources.length - (before[0] ?? 0), two.sources.length - (before[1] ?? 0)];
    expect(Math.min(...shares)).toBeGreaterThan(60);
    expect(shares[0]! + shares[1]!).toBe(200);
  });

  it('says at once that a target is dead', async () => {
    const dead = await startEchoInstance(`${network}.13`);
    await dead.stop();
    const entry = nextEntry({ targets: [target(dead)] });
    await router.set([entry], signal());
    const began = performance.now();
    expect(await open(entry.port).ended).toBe('');
    expect(performance.now() - began).toBeLessThan(5_000);
    await eventually('it to be logged', async () => (await log()).includes(`target-failed database=${entry.databaseId} port=${entry.port} source=127.0.0.1 state=SC`));
  });

  it('comes back with 2,000 routes as they are recorded, and with what changes meanwhile', async () => {
    const base = nextEntry();
    const entries = Array.from({ length: 2 * SLOTS }, (_, at): RouterEntry => ({
      ...base, port: firstPort + at, databaseId: `db_r${at % SLOTS}`, token: 3n, state: at % 7 === 0 ? 'held' : 'open', allow: ['127.0.0.0/8', '10.1.2.0/24'],
    }));
    record = { entries, removed: [{ databaseId: 'db_gone', token: 40n }] };
    let process = await router.find();
    const written = await log();
    const times: number[] = [];
    for (let round = 0; round < 3; round += 1) {
      await kill();
      expect(process && (await router.serves({ ...process, state: 'T' }, signal()))).toBe(false);
      const began = performance.now();
      await start();
      await open(firstPort + 2 * SLOTS - 1).answered();
      times.push(Math.round(performance.now() - began));
      process = await router.find();
    }
    console.log(`started with 2,000 routes in ${times.join(', ')} ms`);
    expect(Math.min(...times)).toBeLessThan(3_000);
    expect((await log()).startsWith(written)).toBe(true);
    const held = open(firstPort + 7);
    await open(firstPort + 8).answered();
    await expect(router.set([{ ...base, databaseId: 'db_r7', port: firstPort + 7, token: 2n }], signal())).rejects.toMatchObject({ kind: 'superseded' });
    await expect(router.set([{ ...base, databaseId: 'db_gone', token: 39n }], signal())).rejects.toMatchObject({ kind: 'superseded' });
    expect(held.lives).toBe(true);
    await router.set([{ ...base, databaseId: 'db_r7', port: firstPort + 7, token: 4n }], signal());
    await held.answered();
    await router.boundLog();
  });

  it('is told what was written down while it started', async () => {
    const gone = record.entries.filter(({ databaseId }) => databaseId === 'db_r20');
    const moved = record.entries.map((entry): RouterEntry => (entry.databaseId === 'db_r21' ? { ...entry, token: 9n, state: 'open', targets: [target(two)] } : entry));
    const later = { entries: moved.filter(({ databaseId }) => databaseId !== 'db_r20'), removed: [{ databaseId: 'db_r20', token: 9n }] };
    const answers = [record, later];
    await kill();
    await shell.fenced({ directory: `${root}/gateway`, name: 'the gateway' }, signal(), (gate) => router.start(gate, async () => answers.shift() ?? later, signal()));
    expect(await open(firstPort + 20).ended).toBe('');
    await expect(router.set(gone, signal())).rejects.toMatchObject({ kind: 'superseded' });
    const before = two.sources.length;
    await open(firstPort + 21).answered();
    expect(two.sources.length).toBe(before + 1);
  });

  it('says why it does not start', async () => {
    await kill();
    const fresh = new Router({
      shell, account: undefined, program: '/usr/sbin/haproxy', regionId: 'europe', directory: `${root}/gateway/fresh`, socketDirectory: `${root}/nowhere`,
      listenAddresses: [address], sourceAddress: address, firstPort, slots: 10,
    });
    await expect(
      shell.fenced({ directory: `${root}/gateway`, name: 'the gateway' }, signal(), (gate) => fresh.start(gate, async () => ({ entries: [], removed: [] }), signal())),
    ).rejects.toThrow(/the router of europe did not start: .*nowhere/);
    await expect(router.set([nextEntry()], signal())).rejects.toMatchObject({ kind: 'transient' });
  });
});
