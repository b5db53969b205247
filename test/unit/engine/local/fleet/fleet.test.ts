import { execFileSync } from 'node:child_process';

import { describe, expect, it } from 'vitest';

import { CertificateAuthority, createAuthority, isGoodFor } from '../../../../../src/engine/local/fleet/certificates.js';
import { ACCOUNTS_PER_FLEET, adjustFleet, describeFleet, drawNetwork, endpointHosts, endpointPorts, fleetSchema } from '../../../../../src/engine/local/fleet/fleet-description.js';
import { accountOf } from '../../../../../src/engine/local/fleet/fleet-layout.js';
import { whyMoved } from '../../../../../src/engine/local/fleet/why-moved.js';
import { command, quote } from '../../../../../src/engine/local/machine/gate-script.js';
import { lastLines } from '../../../../../src/engine/local/machine/tool-failure.js';
import { OutputTail } from '../../../../../src/engine/local/machine/output-tail.js';

const choices = { asRoot: true, publicHost: null, hostMemoryMb: 1_024, firstPorts: [10_000, 10_300, 10_600, 10_900, 11_200], slots: 100, network: 77, atRest: { encryption: 'fscrypt' } as const };

describe('the description of a fleet', () => {
  const fleet = describeFleet(choices);

  it('is what its schema says, also after it was written', () => {
    expect(fleetSchema.parse(JSON.parse(JSON.stringify(fleet)))).toEqual(fleet);
  });

  it('gives every host and gateway an address of its own', () => {
    const addresses = fleet.regions.flatMap((region) => [region.gateway.address, ...region.dataCenters.flatMap((center) => center.hosts.map((host) => host.address))]);
    expect(new Set(addresses).size).toBe(addresses.length);
    expect(addresses.every((address) => address.startsWith('127.77.'))).toBe(true);
  });

  it('has two hosts or more in each data centre, and three data centres in Europe', () => {
    expect(fleet.regions[0]).toMatchObject({ id: 'europe', timeZone: 'Europe/Berlin' });
    expect(fleet.regions[0]?.dataCenters).toHaveLength(3);
    expect(fleet.regions[0]?.dataCenters[0]?.hosts[0]).toMatchObject({ id: 'hst_europe-frankfurt-1', memoryMb: 1_024 });
    expect(fleet.regions.every((region) => region.dataCenters.length >= 2 && region.dataCenters.every((center) => center.hosts.length >= 2))).toBe(true);
  });

  it('takes a whole range of accounts for itself as root, and none otherwise', () => {
    expect((fleet.firstAccount ?? 1) % ACCOUNTS_PER_FLEET).toBe(0);
    expect(fleet.firstAccount).toBeGreaterThanOrEqual(2 ** 20);
    expect((fleet.firstAccount ?? 0) + ACCOUNTS_PER_FLEET).toBeLessThanOrEqual(2 ** 30);
    expect(accountOf(fleet, 3)).toEqual({ uid: (fleet.firstAccount ?? 0) + 3, gid: (fleet.firstAccount ?? 0) + 3 });
    expect(accountOf(describeFleet({ ...choices, asRoot: false }), 3)).toBeUndefined();
  });

  it('keeps everything but what was changed', () => {
    expect(adjustFleet(fleet, {})).toEqual(fleet);
    expect(adjustFleet(fleet, { hostMemoryMb: 2_048, publicHost: 'db.example.org' })).toMatchObject({ id: fleet.id, publicHost: 'db.example.org' });
  });

  it('tells why its databases have other addresses, if they have', () => {
    const earlier = { ...fleet, regions: fleet.regions.map((region) => ({ ...region, gateway: { ...region.gateway, firstPort: 0 } })) };
    expect(whyMoved(fleet, adjustFleet(fleet, { hostMemoryMb: 2_048 }))).toEqual([]);
    expect(whyMoved(earlier, fleet)).toEqual(['each database has ports of its own now, where one gateway served a whole region']);
    const files = { certificate: '/c', key: '/k', authorities: '/a' };
    const renamed = adjustFleet(fleet, { publicHost: 'db.example.org', publicCertificate: files });
    expect(whyMoved(fleet, renamed)).toEqual(['the public host is db.example.org now, and was none', 'servers present a certificate that everybody trusts']);
    expect(whyMoved(renamed, adjustFleet(renamed, { publicCertificate: { ...files, key: '/other' } }))).toEqual([]);
    expect(whyMoved(renamed, adjustFleet(renamed, { publicCertificate: null }))).toEqual(['servers present the fleet\'s own certificates again']);
  });

  it('gives each kind of a database\'s endpoints a port of its own', () => {
    const ports = fleet.regions.flatMap((region) => Array.from({ length: region.gateway.slots }, (_, slot) => Object.values(endpointPorts(region, slot))).flat());
    expect(new Set(ports).size).toBe(5 * 3 * 100);
    expect(endpointPorts(fleet.regions[1]!, 7)).toEqual({ session: 10_307, readOnly: 10_407, pooled: 10_507 });
  });

  it('names a database by the public name, by one of its own below it, or by the gateway\'s address', () => {
    const [region] = fleet.regions;
    expect(endpointHosts(fleet, region!, 'db_01ABC')).toEqual(['127.77.1.1']);
    expect(endpointHosts({ publicHost: 'db.example.org' }, region!, 'db_01ABC')).toEqual(['db.example.org', '127.77.1.1']);
    expect(endpointHosts({ publicHost: '*.db.example.org' }, region!, 'db_01ABC')).toEqual(['db-01abc.db.example.org', '127.77.1.1']);
  });

  it('reads one that was written before gateways had ports of databases\' own', () => {
    const before = { ...fleet, regions: fleet.regions.map((region) => ({ ...region, gateway: { address: region.gateway.address, port: 6_432, account: region.gateway.account } })) };
    expect(fleetSchema.parse(before).regions[0]?.gateway).toEqual({ address: '127.77.1.1', firstPort: 0, slots: 0, account: 65_535 });
  });

  it('draws a network that nobody else uses by habit', () => {
    for (let draw = 0; draw < 100; draw += 1) expect(drawNetwork()).toBeGreaterThanOrEqual(2);
  });
});

describe('a server certificate', () => {
  it('names its hosts, as DNS names and as addresses, and is renewed in time', async () => {
    const authority = await CertificateAuthority.load(await createAuthority('test'));
    const { certificate } = await authority.issue('db.example.org', ['db.example.org', '127.77.1.1']);
    expect(isGoodFor(certificate, ['127.77.1.1', 'db.example.org'])).toBe(true);
    expect(isGoodFor(certificate, ['127.77.1.2'])).toBe(false);
    const inYears = (years: number): boolean => isGoodFor(certificate, ['127.77.1.1'], Date.now() + years * 365 * 86_400_000);
    expect([3.2, 3.4, 4.9, 5.1].map(inYears)).toEqual([true, false, false, false]);
  });
});

describe('a line for the gate', () => {
  it.each(['plain', `it's`, '$HOME `id` "x"', 'two\nlines', `tab\tand 'quote'\nand \\ backslash`, '', '-n', '*'])('keeps the word %j as it is', (word) => {
    expect(quote(word)).not.toContain('\n');
    expect(execFileSync('/bin/bash', ['-c', command('printf', '%s', word)], { encoding: 'utf8' })).toBe(word);
  });
});

describe('what is told of a failing program', () => {
  it('is its last words, without statements and secrets', () => {
    const text = `one\ntwo\nERROR: bad\nLINE 1: ALTER ROLE x PASSWORD 'y'\nrole has 'SCRAM-SHA-256$4096:a$b:c'\npassword=hunter2 x\n`;
    expect(lastLines(text, 3)).toBe(`ERROR: bad | role has 'SCRAM-SHA-256$…' | password=… x`);
  });

  it('is bounded', () => {
    const tail = new OutputTail(10);
    for (let n = 0; n < 100; n += 1) tail.push(Buffer.from(`${n} `));
    expect(tail.text()).toBe(' 97 98 99 ');
  });
});
