import { describe, expect, it } from 'vitest';
import { eventually } from '../../support/servers.js';
import { Rounds } from '../../../src/operations/rounds.js';

const silent = { warn: () => undefined };

describe('rounds', () => {
  it('begin at once where asked for, and otherwise one interval later', async () => {
    const begun: string[] = [];
    const round = (name: string) => () => Promise.resolve(begun.push(name));
    const atOnce = new Rounds({ everyMs: 60_000, beginsAtOnce: true, round: round('at once'), whenFailed: '', log: silent });
    const later = new Rounds({ everyMs: 60_000, round: round('later'), whenFailed: '', log: silent });
    atOnce.start();
    later.start();
    await Promise.all([atOnce.stop(), later.stop()]);
    expect(begun).toEqual(['at once']);
  });

  it('go on after one that failed, and say so', async () => {
    const said: unknown[] = [];
    let count = 0;
    const rounds = new Rounds({
      everyMs: () => 1, whenFailed: 'it failed', log: { warn: (fields, message) => said.push([fields, message]) },
      round: () => ((count += 1) === 1 ? Promise.reject(new Error('rain')) : Promise.resolve()),
    });
    rounds.start();
    await eventually(() => count > 2);
    await rounds.stop();
    expect(said).toEqual([[{ reason: 'rain' }, 'it failed']]);
  });

  it('wait at the stop for the one under way, and begin no other', async () => {
    let end = (): void => undefined;
    let ended = 0;
    const rounds = new Rounds({
      everyMs: 1, beginsAtOnce: true, whenFailed: '', log: silent,
      round: () => new Promise<void>((resolve) => { end = resolve; }).then(() => { ended += 1; }),
    });
    rounds.start();
    const stopped = rounds.stop();
    end();
    await stopped;
    expect(ended).toBe(1);
  });

  it('are stopped harmlessly before they are started', async () => {
    await new Rounds({ everyMs: 1, round: () => Promise.resolve(), whenFailed: '', log: silent }).stop();
  });
});
