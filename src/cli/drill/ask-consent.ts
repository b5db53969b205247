import type { Database, FreeholdClient } from '../../../clients/typescript/src/client.js';
import { collect } from '../client/session.js';
import { confirmByTyping } from '../confirm.js';
import { note } from '../output.js';
import type { Fault } from './faults.js';

/** Asks, once for a fault, before it breaks something that databases of others live on. */
export function askConsent(api: FreeholdClient, given: boolean): (fault: Fault, canary: Database) => Promise<void> {
  const answered = new Set<Fault>();
  return async (fault, canary) => {
    if ((fault !== 'host-lost' && fault !== 'gateway-killed') || answered.has(fault)) return;
    const others = (await collect(api.list('/v1/databases'))).filter(
      (database) => database.id !== canary.id && isHit(fault, canary, database),
    );
    if (others.length === 0) return;
    const what = fault === 'host-lost' ? `every instance on ${primaryHost(canary)}` : `the gateway of ${canary.region}`;
    const warning = `This kills ${what}, on which ${others.length} other databases depend: ${others.map(({ id }) => id).join(', ')}.`;
    if (given) note(`freehold: ${warning}`);
    else await confirmByTyping(fault, { command: 'drill', warning, refused: 'nothing was broken' });
    answered.add(fault);
  };
}

function isHit(fault: 'host-lost' | 'gateway-killed', canary: Database, other: Database): boolean {
  if (other.deletedAt !== null) return false;
  if (fault === 'gateway-killed') return other.region === canary.region;
  return other.instances.some(({ host }) => host === primaryHost(canary));
}

function primaryHost({ instances }: Database): string | undefined {
  return instances.find(({ role }) => role === 'primary')?.host;
}
