import { execFileSync } from 'node:child_process';
import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';

import { type FleetDoors, hostFiles, KERNEL_SETTINGS, NO_CORES } from '../../../src/supervisor/harden/host-files.js';
import { givesMore, type HostFacts, judgeHost } from '../../../src/supervisor/harden/judge-host.js';
import { isHole } from '../../../src/supervisor/harden/look-at-host.js';
import { refuseHoles } from '../../../src/supervisor/programs.js';
import { findHoles, findPostgresHoles } from '../../../src/supervisor/harden/known-holes.js';

const doors: FleetDoors = { dataDir: '/var/lib/freehold', apiPort: 8080, gatewayPorts: ['14000-16999', '17000-19999'], sshPort: 2222 };
const files = hostFiles(doors);
const fileOf = (name: string, of = files): string => of.find((file) => file.name === name)!.content;
const scratch = mkdtempSync(join(tmpdir(), 'freehold-harden-'));
afterAll(() => rmSync(scratch, { recursive: true, force: true }));
const write = (name: string, content: string): string => {
  writeFileSync(join(scratch, name), content);
  return join(scratch, name);
};
const NFT = '/usr/sbin/nft';
const UNSHARE = '/usr/bin/unshare';
const BAN_REGEX = '/usr/bin/fail2ban-regex';

describe('the firewall of a fleet', () => {
  it('lets the API, the gateways and ssh in, and nothing else', () => {
    const accepted = fileOf('firewall').split('\n').filter((line) => line.includes('dport'));
    expect(accepted.map((line) => line.trim().replace(/ comment.*/, ''))).toEqual(['tcp dport 2222 accept', 'tcp dport 8080 accept', 'tcp dport { 14000-16999, 17000-19999 } accept']);
    expect(fileOf('firewall')).toContain('policy drop');
    const closed = fileOf('firewall', hostFiles({ ...doors, apiPort: null, gatewayPorts: [] }));
    expect(closed.split('\n').filter((line) => line.includes('dport'))).toHaveLength(1);
  });

  it.runIf(existsSync(NFT) && process.getuid?.() === 0)('is one that nft takes, in a network of its own', () => {
    for (const content of [fileOf('firewall'), fileOf('firewall', hostFiles({ ...doors, apiPort: null, gatewayPorts: [] }))]) {
      execFileSync(UNSHARE, ['--net', NFT, '-c', '-f', write('firewall.nft', content)]);
    }
  });
});

describe('the filter of bans', () => {
  const routed = (reason: string, source: string): string => `2026-11-29T20:25:47Z ${reason} database=db_1 port=14001 source=${source} state=SD`;
  const pooled = (names: string, source: string, words: string): string => `2026-11-29 20:25:47.774 UTC [32492] WARNING C-0x56426bc7ca58: ${names}@${source}:38089 pooler error: ${words}`;
  const caught = [
    routed('source-limit', '192.0.2.1'), routed('first-bytes', '2001:db8::1'), pooled('shop/shop', '192.0.2.2', 'password authentication failed'), pooled('shop/shop', '192.0.2.3', 'SASL authentication failed'),
    pooled('shop/(nouser)', '[2001:db8::2]', 'no such user'),
    // Who has chosen such a name is caught, and not whom it names.
    pooled('shop/x@192.0.2.99:1 pooler error: no such user', '192.0.2.4', 'no such user'),
  ];
  const passed = [routed('allow-list', '192.0.2.5'), routed('endpoint-limit', '192.0.2.6'), routed('held-too-long', '192.0.2.7'), pooled('shop/shop', '192.0.2.8', 'login rejected'), pooled('shop/shop', '192.0.2.9', 'no such user today'),
    `x\t${routed('first-bytes', '192.0.2.10')}`];

  it('has an expression for each line that it is to catch, and for no other', () => {
    const expressions = [...fileOf('filter').matchAll(/\^ (.*)\$$/gm)].map(([, body]) => new RegExp(`^ ${body!.replaceAll('<ADDR>', '([0-9a-f.:]+?)')}$`));
    expect(expressions).toHaveLength(3);
    // The date is cut out before.
    const rest = (line: string): string => line.replace(/^\d{4}-\d\d-\d\d[T ][\d:.]+Z?/, '');
    const sourceOf = (line: string): string | undefined => expressions.map((expression) => expression.exec(rest(line))?.[1]).find((source) => source !== undefined);
    expect(caught.map(sourceOf)).toEqual(['192.0.2.1', '2001:db8::1', '192.0.2.2', '192.0.2.3', '2001:db8::2', '192.0.2.4']);
    expect(passed.map(sourceOf)).toEqual(passed.map(() => undefined));
  });

  it.runIf(existsSync(BAN_REGEX))('catches the same in the hands of fail2ban', () => {
    const output = execFileSync(BAN_REGEX, ['--out', 'ip', write('log', `${[...caught, ...passed].join('\n')}\n`), write('filter.conf', fileOf('filter'))], { encoding: 'utf8' });
    expect(output.trim().split('\n')).toEqual(['192.0.2.1', '2001:db8::1', '192.0.2.2', '192.0.2.3', '2001:db8::2', '192.0.2.4']);
  });
});

describe('what a host lacks', () => {
  const well: HostFacts = {
    kernel: { ...Object.fromEntries(Object.entries(KERNEL_SETTINGS).map(([name, least]) => [name, String(least)])), ...NO_CORES },
    updatesItself: true, firewall: { loaded: true }, bans: true, files: new Map(files.map(({ path, content }) => [path, content])), openPaths: [], holes: [],
  };
  const lacks = (changes: Partial<HostFacts>): string[] => judgeHost({ ...well, ...changes }, files).map(({ id }) => id);

  it('is nothing where all is as it should be, or stricter', () => {
    expect(lacks({})).toEqual([]);
    expect(lacks({ kernel: { ...well.kernel, 'kernel.yama.ptrace_scope': '3' } })).toEqual([]);
  });

  it('is named with what to do', () => {
    expect(lacks({ kernel: { ...well.kernel, 'kernel.kptr_restrict': '1', 'kernel.core_pattern': 'core' } })).toEqual(['kernel.kptr_restrict', 'kernel.core_pattern']);
    expect(lacks({ kernel: {} })).toHaveLength(Object.keys({ ...KERNEL_SETTINGS, ...NO_CORES }).length);
    expect(lacks({ updatesItself: false, firewall: null, bans: false })).toEqual(['updates', 'firewall', 'bans']);
    expect(lacks({ files: new Map([['/etc/nftables.d/freehold.nft', 'an earlier one']]) })).toEqual(['firewall']);
    expect(lacks({ openPaths: [{ path: '/x', mode: 0o644, most: 0o600 }], holes: ['a', 'b'] })).toEqual(['mode', 'hole', 'hole']);
    for (const { fix } of judgeHost({ ...well, updatesItself: false, firewall: null, bans: false, kernel: {} }, files)) for (const [, name] of fix.matchAll(/freehold harden (\w+)/g)) expect(files.map((file) => file.name)).toContain(name);
  });

  it('is a mode that gives more than it should', () => {
    expect([[0o711, 0o711], [0o700, 0o711], [0o755, 0o711], [0o4600, 0o600], [0o600, 0o600], [0o604, 0o600]].map(([mode, most]) => givesMore(mode!, most!))).toEqual([false, false, true, true, false, true]);
  });
});

describe('known holes', () => {
  // Enough of Debian's order for these versions.
  const isOlder = (one: string, other: string): boolean => Number(/u(\d+)$/.exec(one)?.[1]) < Number(/u(\d+)$/.exec(other)?.[1]);

  it('are told by the package, of the same release of Debian', () => {
    const ids = (name: string, version: string): string[] => findHoles({ name, version }, isOlder).map(({ id }) => id);
    expect(ids('haproxy', '2.6.12-1+deb12u2')).toEqual(['CVE-2026-33555', 'CVE-2025-11230']);
    expect(ids('haproxy', '2.6.12-1+deb12u4')).toEqual([]);
    expect(ids('redis-server', '5:7.0.15-1~deb12u9')).toEqual(['CVE-2026-81934']);
    expect([ids('haproxy', '3.0.11-1+deb13u1'), ids('haproxy', '2.6.12-1'), ids('nginx', '1-deb12u1')]).toEqual([[], [], []]);
  });

  it('keep a fleet that serves real customers from starting, and no other', () => {
    expect(() => refuseHoles({ holes: ['haproxy 2.6.12-1+deb12u2: a hole (CVE-2025-11230)'] }, true)).toThrow(/haproxy 2\.6\.12-1\+deb12u2.*\n.*apt-get upgrade/);
    refuseHoles({ holes: ['a hole'] }, false);
    refuseHoles({ holes: [] }, true);
    expect(['pgbouncer 1.25.0: anybody can crash it (CVE-2026-6664); 1.25.2 mends it', 'pgbouncer 1.28.0 is newer than this Freehold was tried with'].map(isHole)).toEqual([true, false]);
  });

  it('are told of PostgreSQL by its minor version', () => {
    expect(findPostgresHoles('15.18-0+deb12u1')).toBeUndefined();
    expect(findPostgresHoles('17.9-1.pgdg12+1')).toMatch(/CVE-2026-6472.*: 17\.10 mends them/);
    expect(findPostgresHoles('16.10')).toMatch(/CVE-2026-6472.*CVE-2026-2003.*CVE-2025-12817.*: 16\.14 mends them/);
    expect([findPostgresHoles('19.0'), findPostgresHoles('18.4')]).toEqual([undefined, undefined]);
  });
});
