import { describe, expect, it } from 'vitest';
import { handOver, takeOver, withoutSecrets } from '../../../src/config/handed-over.js';

const environment = {
  PATH: '/bin', FREEHOLD_PORT: '8080', DATABASE_URL: 'postgresql://u:hidden1@h/db', REDIS_URL: 'redis://:hidden2@h', FREEHOLD_MASTER_KEY: 'hidden3',
  FREEHOLD_OPERATOR_KEY: 'hidden4', FREEHOLD_SIGNUP_KEY: 'hidden5', FREEHOLD_BACKUP_SITES: '["hidden6"]', FREEHOLD_API_KEY: 'hidden7', NOTHING: undefined,
};
const arriving = async function* (text: string): AsyncGenerator<Buffer> {
  for (const byte of Buffer.from(text)) yield Buffer.from([byte]);
};

describe('what a process is handed over', () => {
  it('holds no secret in its environment, and all of them beside it', async () => {
    const { env, input } = handOver(environment);
    expect(JSON.stringify(env)).not.toContain('hidden');
    const { NOTHING: _, ...given } = environment;
    expect(await takeOver(env, arriving(input))).toEqual(given);
  });

  it('is nothing where the environment does not say so, and its input is not touched', async () => {
    expect(await takeOver({ PATH: '/bin' }, { [Symbol.asyncIterator]: () => { throw new Error('it was read'); } })).toEqual({ PATH: '/bin' });
  });

  it('may be handed over again by who took it over, and not to programs that need none', async () => {
    const { env, input } = handOver(environment);
    const taken = await takeOver(env, arriving(input));
    expect(handOver(taken)).toEqual({ env, input });
    expect(withoutSecrets({ ...env, ...environment })).toEqual({ PATH: '/bin', FREEHOLD_PORT: '8080' });
  });

  it.each(['', '{', '[]', 'null', '{"DATABASE_URL": 1}', '{"DATABASE_URL": "hidden'])('is refused without being quoted if it is no object of texts: %s', async (text) => {
    const refused = takeOver({ FREEHOLD_SECRETS_FROM: 'stdin' }, arriving(text));
    await expect(refused).rejects.toThrow(/standard input must hold one JSON object of texts/);
    await expect(refused).rejects.not.toThrow(/hidden/);
    await expect(takeOver({ FREEHOLD_SECRETS_FROM: '/etc/secrets' }, arriving(text))).rejects.toThrow(/must be stdin/);
  });
});
