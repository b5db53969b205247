import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import { connect, createServer } from 'node:tls';

import * as x509 from '@peculiar/x509';
import { beforeAll, describe, expect, it } from 'vitest';

import { constrainAuthority } from '../../../../../src/engine/local/fleet/constrained-authority.js';
import { judgeCertificateTrouble } from '../../../../../src/engine/local/fleet/judge-certificate-trouble.js';
import { judgePublicCertificate, type PublicFiles } from '../../../../../src/engine/local/fleet/judge-public-certificate.js';
import { withServerName } from '../../../../../src/engine/local/instances/files/instance-settings.js';
import { PublicAuthority, type IssuedCertificate } from '../../../../support/public-authority.js';

const HOST = 'db.example.org';

describe('a public certificate', () => {
  let authority: PublicAuthority;
  let stranger: PublicAuthority;
  let good: IssuedCertificate;
  beforeAll(async () => {
    [authority, stranger] = await Promise.all([PublicAuthority.create('Known'), PublicAuthority.create('Unknown')]);
    good = await authority.issue([HOST]);
  });

  const files = ({ chain, key }: Pick<IssuedCertificate, 'chain' | 'key'> = good): PublicFiles => ({ certificate: chain, key, authorities: stranger.root + authority.root });
  const faultsOf = (judged: PublicFiles, publicHost: string | null = HOST): readonly string[] => judgePublicCertificate({ ...judged, authorities: authority.root }, publicHost).faults ?? [];

  it('is taken as servers present it, with the authority that it leads to', () => {
    const { fit } = judgePublicCertificate(files(), HOST);
    expect(fit).toMatchObject({ pair: { certificate: good.chain }, names: [HOST], authority: authority.root });
    expect(fit?.pair.key).toContain('BEGIN PRIVATE KEY');
  });

  it('covers a name for each database by a wildcard alone, and an address by itself', async () => {
    const [wild, address] = await Promise.all([authority.issue(['*.db.example.org']), authority.issue(['192.0.2.7', HOST])]);
    expect(faultsOf(files(wild), '*.db.example.org')).toEqual([]);
    expect(faultsOf(files(), '*.db.example.org')).toEqual(['the certificate is not for *.db.example.org, but for db.example.org']);
    expect(faultsOf(files(wild), HOST)).toEqual(['the certificate is not for db.example.org, but for *.db.example.org']);
    expect(faultsOf(files(address), '192.0.2.7')).toEqual([]);
    expect(faultsOf(files(), null)).toEqual(['it needs a public host, under which clients look for it']);
  });

  it('is an operator\'s trouble two weeks before it ends, a grave one three days before, and at once when its files are of no use', () => {
    const judged = judgePublicCertificate(files(), HOST);
    const before = (days: number): Date => new Date((judged.fit?.validUntil.getTime() ?? 0) - days * 86_400_000);
    expect(judgeCertificateTrouble(judged, '/c.pem', before(15))).toBeNull();
    expect(judgeCertificateTrouble(judged, '/c.pem', before(13))).toMatchObject({ severity: 'warning', message: expect.stringContaining('/c.pem ends at') as string });
    expect(judgeCertificateTrouble(judged, '/c.pem', before(2))).toMatchObject({ severity: 'critical' });
    const faulty = judgePublicCertificate({ ...files(), key: 'half written' }, HOST);
    expect(judgeCertificateTrouble(faulty, '/c.pem', before(60))).toEqual({
      severity: 'critical', message: 'the public certificate in /c.pem cannot be used: the file of the key holds none in PEM',
    });
  });

  it('is refused for everything that is wrong with it at once', async () => {
    const [old, client, foreign] = await Promise.all([
      authority.issue(['other.example.org'], { expired: true }), authority.issue([HOST], { usage: x509.ExtendedKeyUsage.clientAuth }), stranger.issue([HOST]),
    ]);
    expect(faultsOf({ ...files(old), key: good.key })).toEqual([
      expect.stringMatching(/^the certificate expired at /), 'the certificate is not for db.example.org, but for other.example.org', 'the key does not match the certificate',
    ]);
    expect(faultsOf(files(client))).toEqual(['the certificate is not for servers']);
    expect(faultsOf(files(foreign))).toEqual(['the certificates in the file do not lead to an authority that this machine trusts: nobody knows "CN=Unknown root"']);
    expect(faultsOf(files({ ...good, chain: good.certificate }))).toEqual(['the certificates in the file do not lead to an authority that this machine trusts: nobody knows "CN=Known R1"']);
    expect(faultsOf(files({ ...good, chain: good.certificate + foreign.chain }))).toEqual([expect.stringMatching(/^the certificates in the file are no chain: /)]);
    expect(faultsOf({ certificate: 'none', key: good.certificate, authorities: '' })).toEqual(['the file of the certificate holds none in PEM', 'the file of the key holds none in PEM']);
  });
});

describe('an authority that is trusted for some names', () => {
  let authority: PublicAuthority;
  beforeAll(async () => {
    authority = await PublicAuthority.create('Known');
  });

  /** Whether a client that trusts these authorities takes a server, whatever name it asked for. */
  async function isTaken(ca: string, { chain, key }: IssuedCertificate): Promise<boolean> {
    const server = createServer({ cert: chain, key }, (socket) => socket.end()).listen(0, '127.0.0.1');
    await once(server, 'listening');
    const socket = connect({ port: (server.address() as AddressInfo).port, host: '127.0.0.1', ca, checkServerIdentity: () => undefined });
    const taken = await once(socket, 'secureConnect').then(() => true, () => false);
    socket.destroy();
    server.close();
    return taken;
  }

  it('is trusted for those, whichever one below it has signed', async () => {
    const ca = await constrainAuthority(authority.root, [HOST, '*.db.example.com']);
    expect(await isTaken(ca, await authority.issue([HOST]))).toBe(true);
    expect(await isTaken(ca, await authority.issue(['*.db.example.com', HOST]))).toBe(true);
    expect(await isTaken(ca, await authority.issue(['evil.example.net']))).toBe(false);
    expect(await isTaken(ca, await authority.issue([HOST, 'evil.example.net']))).toBe(false);
    expect(await isTaken(ca, await authority.issue(['192.0.2.66']))).toBe(false);
    expect(await isTaken(ca, await (await PublicAuthority.create('Known')).issue([HOST]))).toBe(false);
  });

  it('is trusted for addresses alone where there are only those', async () => {
    const ca = await constrainAuthority(authority.root, ['192.0.2.7']);
    expect(await isTaken(ca, await authority.issue(['192.0.2.7']))).toBe(true);
    expect(await isTaken(ca, await authority.issue(['192.0.2.8']))).toBe(false);
    expect(await isTaken(ca, await authority.issue(['evil.example.net']))).toBe(false);
  });
});

describe('the name by which a standby verifies its primary', () => {
  const configuration = (host: string): string => `primary_conninfo = '${host} port=15432 user=''r'''\nprimary_slot_name = 's'\n`;

  it('is changed without the rest', () => {
    const named = withServerName(configuration(`host=''127.9.1.11''`), () => HOST);
    expect(named).toBe(configuration(`host=''${HOST}'' hostaddr=''127.9.1.11''`));
    expect(withServerName(named ?? '', (address) => address)).toBe(configuration(`host=''127.9.1.11''`));
    expect(withServerName(named ?? '', () => HOST)).toBeUndefined();
    expect(withServerName('', () => HOST)).toBeUndefined();
  });
});
