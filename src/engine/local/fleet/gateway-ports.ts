import { randomInt } from 'node:crypto';

import { EngineError } from '../../errors.js';

/** Kinds of endpoints, each with a port of its own: `uri`, `readOnlyUri`, `pooledUri`. */
export const PORTS_PER_DATABASE = 3;
/** Databases that a region's gateway has ports for, unless the fleet is told otherwise. */
export const DEFAULT_SLOTS = 1_000;
export const MOST_SLOTS = 4_000;

/** Gateways' ports are below instances', which are below those that Linux takes for outgoing connections (32768 and up by default). */
const FIRST = 10_000;
/** Where a gateway listens on every address, no instance may be given a port of its range. */
export const AFTER_GATEWAYS = 26_000;

/** A range may hold so many ports that others listen on: endpoints on those do not work until they are free. */
const TOLERATED = 0.01;

/**
 * Chooses the first of the ports of each region's gateway, in order. The ranges begin at a random port, so that the ranges of
 * two fleets seldom meet, and hold as few ports as possible on which somebody listens; they do not overlap.
 *
 * @param taken the ports of the machine on which nobody can listen any more
 * @throws EngineError `permanent` if there is no room for so many
 */
export function chooseFirstPorts(regions: number, slots: number, taken: ReadonlySet<number>, draw = randomInt): number[] {
  const span = slots * PORTS_PER_DATABASE;
  const room = AFTER_GATEWAYS - FIRST;
  const blocks = Math.floor(room / span);
  const offset = FIRST + draw(0, room - blocks * span + 1);
  const busy = (first: number): number => Array.from({ length: span }, (_, at) => first + at).filter((port) => taken.has(port)).length;
  const found = Array.from({ length: blocks }, (_, at) => ({
    first: offset + at * span, busy: busy(offset + at * span), order: draw(0, 1_000_000),
  }))
    .filter((block) => block.busy <= span * TOLERATED).sort((a, b) => a.busy - b.busy || a.order - b.order).slice(0, regions);
  if (found.length === regions) return found.map(({ first }) => first);
  throw new EngineError(
    'permanent',
    `${regions} gateways of ${span} ports each do not fit between ${FIRST} and ${AFTER_GATEWAYS}`,
    'set FREEHOLD_GATEWAY_DATABASES lower, or FREEHOLD_GATEWAY_PORT to where there is room',
  );
}
