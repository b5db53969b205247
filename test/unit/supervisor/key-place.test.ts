import { randomBytes } from 'node:crypto';
import { chmodSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { readCliSettings } from '../../../src/config/settings.js';
import { ControlDirectory } from '../../../src/supervisor/control-directory.js';
import { environmentPlace, filePlace, kmsPlace } from '../../../src/supervisor/key-place.js';

const scratch = mkdtempSync(join(tmpdir(), 'freehold-keys-'));
afterAll(() => rmSync(scratch, { recursive: true, force: true }));

/** A service that has a key of its own, of 32 bytes, with which it makes others unreadable. */
function service(name: string, script: string): string {
  const path = join(scratch, name);
  writeFileSync(path, `#!/usr/bin/env node\n${script}`, { mode: 0o755 });
  return path;
}
const GOOD = `
const input = require('node:fs').readFileSync(0);
const bytes = Buffer.from(input.map((byte, at) => byte ^ (at * 7 + 0x5a)));
if (!['wrap', 'unwrap'].includes(process.argv.at(-1))) { console.error('no such verb'); process.exit(2); }
process.stdout.write(bytes);`;

describe('a master key in a file', () => {
  it('is replaced by the next one at once, and the one before is kept beside it', async () => {
    const path = join(scratch, 'file/it.key');
    const place = filePlace(path);
    expect(await place.read('current')).toBeUndefined();
    const [first, second] = [randomBytes(32), randomBytes(32)];
    await place.write('current', first);
    await place.write('next', second);
    expect(await place.read('current')).toEqual(first);
    expect(await place.promote()).toContain(`${path}.before-`);
    expect(await place.read('current')).toEqual(second);
    expect(await place.read('next')).toBeUndefined();
    const [before] = readdirSync(join(scratch, 'file')).filter((name) => name.includes('before'));
    expect(Buffer.from(readFileSync(join(scratch, 'file', before!), 'utf8'), 'base64')).toEqual(first);
  });

  it('is refused where others can read it, or it is none', async () => {
    const path = join(scratch, 'open.key');
    writeFileSync(path, randomBytes(32).toString('base64'));
    chmodSync(path, 0o644);
    await expect(filePlace(path).read('current')).rejects.toThrow(`chmod 600 ${path}`);
    writeFileSync(path, 'short');
    chmodSync(path, 0o600);
    await expect(filePlace(path).read('current')).rejects.toThrow('not 32 bytes');
  });
});

describe('a master key that a service wraps', () => {
  const directory = (name: string): ControlDirectory => {
    const made = new ControlDirectory(join(scratch, name));
    mkdirSync(made.control, { recursive: true });
    return made;
  };

  it('lies in the data directory in a form that says nothing, and changes as one in a file does', async () => {
    const at = directory('good');
    const place = kmsPlace(`${service('good.cjs', GOOD)} --region moon`, at);
    const [first, second] = [randomBytes(32), randomBytes(32)];
    await place.write('current', first);
    expect(readFileSync(join(at.control, 'master-key.wrapped')).includes(first)).toBe(false);
    await place.write('next', second);
    expect(await place.read('current')).toEqual(first);
    await place.promote();
    expect(await place.read('current')).toEqual(second);
  });

  it.each([
    ['that fails', 'console.error("access denied"); process.exit(1)', 'access denied'],
    ['that answers with something else', `process.stdout.write(process.argv.at(-1) === 'wrap' ? 'wrapped' : 'too short')`, 'unwrapped 9 bytes'],
    ['that gives the key back', `process.stdin.pipe(process.stdout)`, 'the key itself'],
  ])('is refused from a service %s, with the reason', async (name, script, reason) => {
    const place = kmsPlace(service(`${name.replaceAll(' ', '-')}.cjs`, script), directory(name.replaceAll(' ', '-')));
    await expect(place.write('current', randomBytes(32)).then(() => place.read('current'))).rejects.toThrow(reason);
  });

  it('is refused where the service is not there', async () => {
    const place = kmsPlace('/nowhere/kms', directory('away'));
    await expect(place.write('current', randomBytes(32))).rejects.toThrow(/FREEHOLD_KMS_COMMAND.*ENOENT/);
  });
});

describe('a master key in the environment', () => {
  it('is made by its owner, and so is the next one', async () => {
    const [current, next] = [randomBytes(32), randomBytes(32)];
    const settings = readCliSettings({ FREEHOLD_MASTER_KEY: current.toString('base64'), FREEHOLD_NEXT_MASTER_KEY: next.toString('base64') });
    const place = environmentPlace(settings);
    expect([await place.read('current'), await place.read('next')]).toEqual([current, next]);
    expect(() => place.write('next', next)).toThrow('FREEHOLD_NEXT_MASTER_KEY');
  });
});
