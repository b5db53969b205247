import { execFile } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import type { OpenAPIObject } from '@nestjs/swagger';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { startTestApi, type TestApi } from '../support/test-api.js';

const run = promisify(execFile);

let api: TestApi;
let document: OpenAPIObject;

beforeAll(async () => {
  api = await startTestApi({ worker: false, settings: { FREEHOLD_PUBLIC_URL: 'https://api.freehold.test/' } });
  document = (await api.get('/openapi.json', { key: null })).body as OpenAPIObject;
});
afterAll(() => api?.close());

const routes = () => Object.entries(document.paths).flatMap(([path, methods]) =>
  Object.entries(methods as Record<string, { operationId: string; responses: Record<string, unknown>; security?: unknown[]; tags: string[] }>)
    .map(([method, route]) => ({ path, method, route })));

describe('the OpenAPI document', () => {
  it('passes the linter without a warning', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'freehold-openapi-'));
    const file = join(folder, 'openapi.json');
    writeFileSync(file, JSON.stringify(document));
    const { stdout, stderr } = await run('npm', ['run', '--silent', 'lint:openapi', '--', file, '--format=json', '--max-problems=20'], { env: { ...process.env, REDOCLY_TELEMETRY: 'off', REDOCLY_SUPPRESS_UPDATE_NOTICE: 'true' } })
      .catch((failure: unknown) => failure as { stdout: string; stderr: string });
    rmSync(folder, { recursive: true, force: true });
    const report = JSON.parse(stdout.slice(stdout.indexOf('{'), stdout.lastIndexOf('}') + 1)) as { problems: { message: string }[] };
    expect(report.problems, stderr).toEqual([]);
  });

  it('describes the resources, each route under a name of its own', () => {
    const names = routes().map(({ route }) => route.operationId);
    expect(new Set(names).size).toBe(names.length);
    for (const path of [
      '/v1/regions', '/v1/plans', '/v1/customers', '/v1/customers/{id}', '/v1/customers/{customerId}/api-keys', '/v1/databases', '/v1/databases/{id}',
      '/v1/databases/{id}/password', '/v1/databases/{id}/automation', '/v1/operations', '/v1/operations/{id}', '/v1/operations/{id}/events',
      '/v1/operations/{id}/retry', '/v1/operations/{id}/cancel', '/v1/hosts', '/v1/hosts/{id}', '/v1/alerts', '/v1/audit-events', '/v1/regions/{id}/ca.pem',
    ]) expect(Object.keys(document.paths)).toContain(path);
  });

  it('says who needs a key, what a repeated request needs, and which problems are answered', () => {
    for (const { path, method, route } of routes()) {
      const isPublic = /^\/(healthz|readyz|metrics|v1\/(regions|plans|status|uptime|backup-policy|dump-links|maintenance-windows|sessions$|sessions\/(second|provider)|password-resets|invitations\/accept))/.test(path);
      if (!isPublic) expect(route.responses['401'], `${method} ${path}`).toBeDefined();
      if (path.includes('{')) expect(route.responses['404'], `${method} ${path}`).toBeDefined();
      expect(Object.keys(route.responses).filter((status) => /^[23]\d\d$/.test(status)), `${method} ${path}`).not.toEqual([]);
      // An idempotency key is a credential's; who signs in has none yet.
      if (method === 'post' && !isPublic) expect(route.responses['422'], `${method} ${path}`).toBeDefined();
    }
    const create = document.paths['/v1/databases']!.post!;
    expect(Object.keys(create.responses)).toEqual(expect.arrayContaining(['202', '400', '401', '404', '409', '413', '415', '422', '429', '503']));
  });

  it('is built on the public address', () => {
    expect(document.servers).toEqual([{ url: 'https://api.freehold.test' }]);
  });
});
