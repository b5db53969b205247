import { describe, expect, it } from 'vitest';

import { EngineError } from '../../src/engine/errors.js';
import { gatewayConfiguration, shareConnections } from '../../src/engine/local/gateway/gateway-config.js';
import { refuseClash, type RouteFile } from '../../src/engine/local/gateway/route-file.js';

const settings = {
  listenAddress: '127.9.1.1', port: 16_432, etc: '/gw/etc', socketDirectory: '/run/1', rootCertificatePath: '/ca.pem', adminVerifier: 'SCRAM-SHA-256$1:c$d:e',
};
const shop: RouteFile = { databaseId: 'db_1', name: 'shop', owner: 'shop', ownerVerifier: 'SCRAM-SHA-256$4096:a$b:c', address: '127.9.1.11', port: 15_432, maxConnections: 20, open: true };

describe('the configuration of a gateway', () => {
  const files = gatewayConfiguration(settings, [shop, { ...shop, databaseId: 'db_2', name: 'blog', owner: 'blogger', port: 15_433 }]);

  it('has a route for sessions and one that pools by transaction', () => {
    expect(files.ini).toContain(`shop = host=127.9.1.11 port=15432 dbname='shop' pool_mode=session`);
    expect(files.ini).toContain(`shop_pooled = host=127.9.1.11 port=15432 dbname='shop' pool_mode=transaction`);
  });

  it('binds each user to its own two routes, over TLS', () => {
    expect(files.access.split('\n').filter((line) => line.startsWith('hostssl'))).toEqual([
      'hostssl "shop","shop_pooled" "shop" 0.0.0.0/0 scram-sha-256',
      'hostssl "blog","blog_pooled" "blogger" 0.0.0.0/0 scram-sha-256',
    ]);
    expect(files.access.trim().split('\n').at(-1)).toMatch(/reject$/);
  });

  it('opens the admin console to its own socket alone', () => {
    expect(files.access.split('\n').filter((line) => line.includes('pgbouncer'))).toEqual(['local pgbouncer freehold_gateway scram-sha-256']);
    expect(files.ini).toContain('unix_socket_mode = 0700');
  });

  it('checks the servers\' identity, and retries fast enough for a failover', () => {
    expect(files.ini).toContain('server_tls_sslmode = verify-full');
    expect(files.ini).toContain('client_tls_sslmode = require');
    expect(files.ini).toContain('server_login_retry = 0.02');
  });

  it('holds verifiers, and no customer\'s password', () => {
    expect(files.users).toContain('"shop" "SCRAM-SHA-256$4096:a$b:c"');
  });

  it('never promises more sessions than the customer has', () => {
    for (const max of [2, 3, 10, 20, 100]) {
      const { session, pooled } = shareConnections(max);
      expect(session + pooled).toBe(max);
      expect(Math.min(session, pooled)).toBeGreaterThan(0);
    }
  });
});

describe('two routes of one gateway', () => {
  const other: RouteFile = { ...shop, databaseId: 'db_2' };
  it.each([
    ['the same name', { ...other, owner: 'else' }],
    ['the same user', { ...other, name: 'else' }],
    ['a name that is the other\'s pooled one', { ...other, name: 'shop_pooled', owner: 'else' }],
  ])('may not have %s', (_, route) => {
    expect(() => refuseClash(route, [shop])).toThrow(EngineError);
  });

  it('may be the same database\'s, which moves', () => {
    expect(() => refuseClash({ ...shop, port: 1 }, [shop])).not.toThrow();
  });
});
