import { describe, expect, it } from 'vitest';
import { scrubSecrets } from '../../../src/telemetry/scrub-secrets.js';

describe('a line of the log', () => {
  it.each([
    ['GET /v1/databases/fh_customer_AbCdEfGhIjKlMnOpQrStUvWxYz0123456789_-abcde is unknown', 'GET /v1/databases/[key] is unknown'],
    [`{"reason":"ALTER ROLE a PASSWORD 'SCRAM-SHA-256$4096:c2FsdA==$c3RvcmVk:c2VydmVy'"}`, `{"reason":"ALTER ROLE a PASSWORD '[verifier]'"}`],
    [`{"reason":"UPDATE … PBKDF2-SHA512$210000:c2FsdA==$aGFzaA=="}`, `{"reason":"UPDATE … [verifier]"}`],
    ['{"uri":"postgresql://shop:geheim@127.0.0.1:6432/shop?sslmode=verify-full"}', '{"uri":"postgresql://shop:[password]@127.0.0.1:6432/shop?sslmode=verify-full"}'],
    ['redis://:geheim@127.0.0.1:6379', 'redis://:[password]@127.0.0.1:6379'],
  ])('loses what looks like a secret: %s', (line, expected) => {
    expect(scrubSecrets(line)).toBe(expected);
  });

  it.each(['http://127.0.0.1:8080/v1/regions', 'database db_01hzy3v7q8k2w5n9t4r6x1m0pa of cus_01hzy3v7q8k2w5n9t4r6x1m0pa', 'postgresql://shop@127.0.0.1:6432/shop'])('keeps the rest: %s', (line) => {
    expect(scrubSecrets(line)).toBe(line);
  });
});
