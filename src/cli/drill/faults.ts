/** What a drill can break. */
export const FAULTS = ['kill', 'hang', 'host-lost', 'standby-lost', 'gateway-killed', 'worker-killed', 'redis-emptied'] as const;
export type Fault = (typeof FAULTS)[number];

/** What each does, in a few words. */
export const FAULT_MEANINGS: Readonly<Record<Fault, string>> = {
  kill: 'kills every process of the primary',
  hang: 'stops every process of the primary, as a hung disk does',
  'host-lost': 'kills every instance on the host of the primary',
  'standby-lost': 'kills every process of a standby',
  'gateway-killed': 'kills the region\'s gateway',
  'worker-killed': 'kills the worker of the control plane',
  'redis-emptied': 'empties Redis',
};

/** The event after which a database has got over a fault. */
export type Expectation = 'promotion' | 'reprotection' | 'nothing';

const EXPECTED: Readonly<Record<Fault, Expectation>> = {
  kill: 'promotion',
  hang: 'promotion',
  'host-lost': 'promotion',
  'standby-lost': 'reprotection',
  'gateway-killed': 'nothing',
  'worker-killed': 'nothing',
  'redis-emptied': 'nothing',
};

/** Of several faults at once, the gravest decides. */
export function expectAfter(faults: readonly Fault[]): Expectation {
  const expected = faults.map((fault) => EXPECTED[fault]);
  return (['promotion', 'reprotection'] as const).find((one) => expected.includes(one)) ?? 'nothing';
}

/**
 * Reads one fault, or several at the same moment, joined by a plus.
 *
 * @throws Error naming the faults that there are
 */
export function parseFaults(text: string): Fault[] {
  const names = [...new Set(text.split('+').map((name) => name.trim()))];
  const unknown = names.filter((name) => !isFault(name));
  if (unknown.length > 0) {
    throw new Error(`"${unknown.join(', ')}" is not a fault; there are ${FAULTS.join(', ')}, and several at once are joined by +`);
  }
  const faults = names.filter(isFault);
  // A process that was killed cannot be stopped as well, and a database without primary and standby has nobody to fail over to.
  if (faults.filter((fault) => EXPECTED[fault] !== 'nothing').length > 1) {
    throw new Error('only one of kill, hang, host-lost and standby-lost can be injected at a time');
  }
  return faults;
}

function isFault(name: string): name is Fault {
  return (FAULTS as readonly string[]).includes(name);
}
