import { X509Certificate } from 'node:crypto';

import { describe, expect, it } from 'vitest';

import { Vault } from '../../../../../src/secrets/vault.js';
import { POOLER_NAME, poolerAuthority } from '../../../../../src/engine/local/fleet/pooler-authority.js';
import { mostClients } from '../../../../../src/engine/connection-shares.js';
import { poolerConfiguration, type PoolerSettings } from '../../../../../src/engine/local/gateway/pooler/pooler-config.js';
import { poolerPaths } from '../../../../../src/engine/local/gateway/pooler/pooler-layout.js';
import { equipSql, newPoolerSql } from '../../../../../src/engine/local/sql/pooler-sql.js';

const settings: PoolerSettings = {
  listenAddress: '127.9.1.1', port: 22_000, etc: '/etc-of-it', socketDirectory: '/run/p30001', rootCertificatePath: '/ca.pem', verifiesNamesByAuthority: false, consoleVerifier: 'SCRAM-SHA-256$1:a$b:c',
  maxConnections: 20, networks: null, target: { address: '127.9.1.11', port: 15_432 },
};

function valueOf(name: string, changes: Partial<PoolerSettings> = {}): string | undefined {
  return new RegExp(`^${name} = (.*)$`, 'm').exec(poolerConfiguration({ ...settings, ...changes }).ini)?.[1];
}

describe('a pooler\'s configuration', () => {
  it('leads every database to the instance, and nowhere while the route is held', () => {
    const databases = ({ ini }: { ini: string }): string[] => ini.split('\n').filter((line) => line.includes('host='));
    expect(databases(poolerConfiguration(settings))).toEqual(['freehold = host=127.9.1.11 port=15432 pool_size=2 max_db_connections=2', '* = host=127.9.1.11 port=15432']);
    expect(databases(poolerConfiguration({ ...settings, target: undefined })).every((line) => line.includes('host=127.0.0.1 port=1'))).toBe(true);
  });

  it('knows no customer, and lets nobody but customers in through the network', () => {
    const { users, hba } = poolerConfiguration(settings);
    expect(users.trim().split('\n').map((line) => line.split(' ')[0])).toEqual(['"freehold_gateway"', '"freehold_pooler"']);
    const lines = hba.trim().split('\n');
    expect(lines.filter((line) => !line.endsWith('reject'))).toEqual([
      'local pgbouncer freehold_gateway scram-sha-256', 'hostssl all all 0.0.0.0/0 scram-sha-256', 'hostssl all all ::/0 scram-sha-256',
    ]);
    expect(lines.findIndex((line) => line.includes('"freehold"'))).toBeLessThan(lines.findIndex((line) => line.startsWith('hostssl')));
    expect(lines.at(-1)).toBe('host all all all reject');
  });

  it('drops no setting of a client\'s in silence', () => {
    expect(valueOf('ignore_startup_parameters')).toBeUndefined();
    // Only what the server reports: of anything else PgBouncer cannot know that it was taken back.
    expect(valueOf('track_extra_parameters')?.split(',')).toEqual(['IntervalStyle', 'default_transaction_read_only', 'extra_float_digits']);
  });

  it('takes back what a transaction leaves, but not what is prepared', () => {
    expect(valueOf('server_reset_query_always')).toBe('1');
    const reset = valueOf('server_reset_query') ?? '';
    for (const part of ['CLOSE ALL', 'RESET ALL', 'RESET SESSION AUTHORIZATION', 'UNLISTEN *', 'DISCARD TEMP', 'DISCARD SEQUENCES', 'pg_advisory_unlock_all', 'from_sql']) expect(reset).toContain(part);
    expect(reset).not.toMatch(/DISCARD ALL|DEALLOCATE|DISCARD PLANS/);
  });

  it('takes the pooled share of the plan, and clients without a crowd', () => {
    expect(valueOf('default_pool_size')).toBe('8');
    expect(valueOf('max_db_connections')).toBe('8');
    expect([1, 20, 100, 1_000].map(mostClients)).toEqual([500, 500, 2_000, 5_000]);
  });

  it('asks for TLS on both sides, and shows the instance a certificate', () => {
    expect(valueOf('client_tls_sslmode')).toBe('require');
    expect(valueOf('client_tls_ciphers')).toBe('ECDHE+AESGCM:ECDHE+CHACHA20');
    expect(valueOf('server_tls_sslmode')).toBe('verify-full');
    expect(valueOf('server_tls_cert_file')).toBe('/etc-of-it/client.crt');
  });

  it('has a socket that is short enough, and refuses an id that could leave its directory', () => {
    const fleet = { root: '/run/freehold/0123456789abcdef' };
    expect(`${poolerPaths(fleet, { id: 'db_1', region: 'middle-east-and-northern-asia', account: 29_999 }).socketDirectory}/.s.PGSQL.65535`.length).toBeLessThan(108);
    expect(() => poolerPaths(fleet, { id: '../x', region: 'europe', account: 1 })).toThrow(/not an id/);
  });
});

describe('the authority of a pooler', () => {
  const vault = new Vault(Buffer.alloc(32, 7));
  const fleet = { deriveKey: (purpose: string) => vault.derive(purpose) };

  it('vouches for its pooler\'s certificate however often it is made anew, and for no other database\'s', async () => {
    const [first, again, other] = await Promise.all(['db_1', 'db_1', 'db_2'].map((id) => poolerAuthority(fleet, id)));
    const { certificate } = (await first?.issueClient(POOLER_NAME)) ?? { certificate: '' };
    const client = new X509Certificate(certificate);
    const isFrom = (authority: { certificate: string } | undefined): boolean => client.verify(new X509Certificate(authority?.certificate ?? '').publicKey);
    expect([first, again, other].map(isFrom)).toEqual([true, true, false]);
    expect(client.subject + client.issuer).not.toContain('db_');
    expect(client.keyUsage).toEqual(['1.3.6.1.5.5.7.3.2']);
  });
});

describe('SQL for a pooler', () => {
  it('is one statement a line for a new cluster, and leaves nothing in the database postgres', () => {
    const statements = newPoolerSql('control');
    expect(statements.filter((statement) => !/^[^\n]+;$/.test(statement))).toEqual([]);
    expect(statements.at(-1)).toMatch(/^DROP FUNCTION/);
  });

  it('makes nothing twice', () => {
    const statements = equipSql({ owner: 'shop', maxConnections: 20 }, 'control');
    expect(statements.filter((statement) => /CREATE (ROLE|DATABASE)/.test(statement) && !/WHERE NOT EXISTS .*\\gexec$/.test(statement))).toEqual([]);
    expect(statements.join('\n')).toContain('CREATE OR REPLACE FUNCTION');
  });
});
