import { describe, expect, it } from 'vitest';

import { DUMPS_AT_ONCE } from '../../../../../../src/backups/dumps/dump-slots.js';
import { hostBasedAccess } from '../../../../../../src/engine/local/instances/files/host-based-access.js';
import {
  connectionInfo,
  parseSynchronousNames,
  postgresConfiguration,
  LOOKUP_CONNECTIONS,
  RESERVED_CONNECTIONS,
  sharedBuffersMb,
  synchronousConfiguration,
  synchronousNames,
} from '../../../../../../src/engine/local/instances/files/instance-settings.js';
import { isSound } from '../../../../../../src/engine/local/machine/judge-postgres.js';
import { newDatabaseSql } from '../../../../../../src/engine/local/sql/cluster-sql.js';
import { quoteIdentifier, quoteLiteral } from '../../../../../../src/engine/local/sql/quote-sql.js';
import { createSlotSql } from '../../../../../../src/engine/local/sql/slot-sql.js';
import { scramVerifierSync } from '../../../../../../src/secrets/scram-verifier.js';
import { slotName } from '../../../../../../src/engine/slot-name.js';

const starter = { memoryMb: 256, maxConnections: 20, diskGb: 10 };
const settings = { address: '127.9.1.11', port: 15_432, size: starter, etc: '/fleet/etc', archiveCommand: 'exec archive %p', name: 'ins_a' };

function read(text: string, name: string): string | undefined {
  return new RegExp(`^${name} = '?([^'\n]*)'?$`, 'm').exec(text)?.[1];
}

describe('the settings of an instance', () => {
  it('shares 16 MB in a small instance, a quarter of the memory in a large one, and never more than 16 GB', () => {
    expect([64, 256, 1_024, 8_192, 262_144].map(sharedBuffersMb)).toEqual([16, 16, 64, 2_048, 16_384]);
  });

  it('listens on the host\'s address only, with TLS 1.2 and SCRAM', () => {
    const text = postgresConfiguration(settings);
    expect(read(text, 'listen_addresses')).toBe('127.9.1.11');
    expect(read(text, 'unix_socket_directories')).toBe('');
    expect(read(text, 'ssl')).toBe('on');
    expect(read(text, 'ssl_min_protocol_version')).toBe('TLSv1.2');
    expect(read(text, 'ssl_ciphers')).toBe('ECDHE+AESGCM:ECDHE+CHACHA20');
    expect(read(text, 'password_encryption')).toBe('scram-sha-256');
  });

  it('keeps connections for the control plane, and for dumps, beside the customer\'s', () => {
    const text = postgresConfiguration(settings);
    expect(read(text, 'max_connections')).toBe(String(20 + LOOKUP_CONNECTIONS + DUMPS_AT_ONCE + RESERVED_CONNECTIONS));
    expect(read(text, 'superuser_reserved_connections')).toBe(String(RESERVED_CONNECTIONS));
  });

  it('bounds what WAL may take of the disk, and keeps enough of it for a rewind', () => {
    const text = postgresConfiguration(settings);
    expect(read(text, 'max_slot_wal_keep_size')).toBe('2048MB');
    expect(read(text, 'wal_keep_size')).toBe('256MB');
    expect(read(postgresConfiguration({ ...settings, size: { ...starter, diskGb: 1 } }), 'wal_keep_size')).toBe('102MB');
    expect(read(text, 'wal_retrieve_retry_interval')).toBe('100ms');
  });

  it('counts what statements cost, without the texts in which passwords stand', () => {
    const text = postgresConfiguration(settings);
    expect(['pg_stat_statements.max', 'pg_stat_statements.track_utility'].map((name) => read(text, name))).toEqual(['1000', 'off']);
  });

  it('names synchronous standbys so that they are read back as they were', () => {
    expect(synchronousNames([])).toBe('');
    expect(synchronousNames(['ins_A', 'ins_b'])).toBe('ANY 1 ("ins_A", "ins_b")');
    expect(parseSynchronousNames(synchronousNames(['ins_A', 'ins_b']))).toEqual(['ins_A', 'ins_b']);
    expect(parseSynchronousNames('')).toEqual([]);
    expect(synchronousConfiguration(['ins_A'])).toBe(`synchronous_standby_names = 'ANY 1 ("ins_A")'\n`);
  });

  it('connects a standby with the server\'s identity checked, and without a password in the settings', () => {
    const info = connectionInfo({
      address: '127.9.1.11', serverName: '127.9.1.11', port: 15_432, user: 'r', instanceId: 'ins_A', slot: 's', passfile: `/a/it's`, rootCertificatePath: '/ca.pem',
    });
    expect(info).toContain(`sslmode='verify-full' sslrootcert='/ca.pem'`);
    expect(info).toContain(`application_name='ins_A'`);
    expect(info).toContain(`passfile='/a/it\\'s'`);
    expect(info).not.toMatch(/password/);
  });

  it('names a slot after its instance', () => {
    expect(slotName('ins_01HZY-Ab')).toBe('ins_01hzy_ab');
  });
});

describe('who may connect to an instance', () => {
  const access = { customersRole: 'customers', pooler: { role: 'pooler', database: 'ours' }, prober: { role: 'probe', database: 'ours' }, controlUser: 'freehold', replicationUser: 'rep', dumpUser: 'dump', peers: ['127.9.1.11', '127.9.1.21'], open: true, gateway: '127.9.1.1' };
  const lines = hostBasedAccess(access).trim().split('\n');

  it('lets in over TLS only, and ends in reject', () => {
    const allowed = lines.filter((line) => !line.endsWith('reject'));
    expect(allowed.every((line) => line.startsWith('hostssl ') && /\/32 (scram-sha-256|trust clientcert=verify-ca)$/.test(line))).toBe(true);
    expect(lines.slice(-4)).toEqual(['local all all reject', 'local replication all reject', 'host all all all reject', 'host replication all all reject']);
  });

  it('lets customers in from the gateway with a password, through their pooler by its key, and into our own databases not at all', () => {
    const customers = ['hostssl all +customers 127.9.1.1/32 scram-sha-256', 'hostssl all +customers 127.0.0.1/32 trust clientcert=verify-ca'];
    const lookUps = 'hostssl "ours" "pooler" 127.0.0.1/32 trust clientcert=verify-ca';
    const barrier = 'host "ours","template0","template1" all all reject';
    expect(lines.filter((line) => /customers|pooler/.test(line))).toEqual([lookUps, ...customers]);
    expect(lines.indexOf(barrier)).toBeGreaterThan(lines.indexOf(lookUps));
    expect(lines.indexOf(barrier)).toBeLessThan(lines.findIndex((line) => line.includes('"dump"')));
    expect(hostBasedAccess({ ...access, open: false }).trim().split('\n'), 'a closed one').toEqual(lines.filter((line) => !/customers|pooler/.test(line)));
    expect(lines.filter((line) => line.includes('trust')).every((line) => line.endsWith('trust clientcert=verify-ca'))).toBe(true);
  });

  it('lets probes into our own database alone, from where customers come', () => {
    const probes = lines.filter((line) => line.includes('"probe"'));
    expect(probes).toEqual(['hostssl "ours" "probe" 127.9.1.1/32 scram-sha-256']);
    expect(lines.indexOf(probes[0]!)).toBeLessThan(lines.indexOf('host "ours","template0","template1" all all reject'));
  });

  it('lets the replication role into no database', () => {
    expect(lines.filter((line) => line.includes('"rep"')).every((line) => line.split(' ')[1] === 'replication')).toBe(true);
  });
});

describe('the versions of PostgreSQL that keep their promise', () => {
  it.each([['15.12', false], ['15.13', true], ['15.18', true], ['16.8', false], ['16.9', true], ['17.4', false], ['17.5', true], ['18.0', true], ['14.20', false]])('%s: %s', (version, sound) => {
    expect(isSound(version)).toBe(sound);
  });
});

describe('SQL', () => {
  it('quotes names and texts', () => {
    expect(quoteIdentifier('a"b')).toBe('"a""b"');
    expect(quoteLiteral(`it's`)).toBe(`'it''s'`);
    expect(quoteLiteral('a\\b')).toBe(` E'a\\\\b'`);
  });

  it('makes a verifier that PostgreSQL takes for one', () => {
    const salt = Buffer.alloc(16, 7);
    expect(scramVerifierSync('secret', salt)).toMatch(/^SCRAM-SHA-256\$4096:BwcHBwcHBwcHBwcHBwcHBw==\$[A-Za-z0-9+/]{43}=:[A-Za-z0-9+/]{43}=$/);
    expect(scramVerifierSync('secret', salt)).toBe(scramVerifierSync('secret', salt));
    expect(scramVerifierSync('secret')).not.toBe(scramVerifierSync('secret'));
  });

  it('gives the owner nothing beyond databases of their own', () => {
    const statements = newDatabaseSql({ name: 'shop', owner: 'shop', ownerVerifier: 'v', replicationVerifier: 'w', dumpVerifier: 'x', controlPassword: 'control', maxConnections: 20 });
    // Single-user mode takes a line for a statement.
    expect(statements.filter((statement) => !/^[^\n]+;$/.test(statement))).toEqual([]);
    const sql = statements.join('\n');
    expect(sql).toContain('NOSUPERUSER NOCREATEROLE NOCREATEDB NOREPLICATION');
    expect(sql).toContain('REVOKE CONNECT, TEMPORARY ON DATABASE postgres, template1 FROM PUBLIC');
    expect(statements.filter((statement) => / TO "shop"|ROLE "shop"/.test(statement)).map((statement) => statement.replace(/ NOSUPER.*/, ''))).toEqual([
      'CREATE ROLE "shop" LOGIN', 'ALTER ROLE "shop" SET log_min_messages = fatal;', 'ALTER ROLE "shop" CREATEDB CONNECTION LIMIT 20;',
      'GRANT "freehold_customers" TO "shop";', 'GRANT CONNECT ON DATABASE postgres TO "shop";',
    ]);
  });

  it('makes a slot only if there is none', () => {
    expect(createSlotSql('s').join('\n')).toMatch(/NOT EXISTS/);
  });
});
