import { z } from 'zod';
import { MOST_NETWORKS, readNetwork } from '../engine/allow-list.js';
import { component } from '../http/components.js';

const network = z.string().max(60).superRefine((text, context) => {
  const read = readNetwork(text);
  if ('fault' in read) context.addIssue({ code: 'custom', message: read.fault });
});

const cidrs = z.array(network).max(MOST_NETWORKS, `may have at most ${MOST_NETWORKS} networks: write wider ones`).meta({
  description: 'Networks from which clients may connect, IPv4 and IPv6, such as `192.0.2.0/24`; an address alone is one, too. '
    + '`0.0.0.0/0` and `::/0` together let everybody come; an empty list lets nobody',
  example: ['192.0.2.0/24', '2001:db8::/32'],
});

export const newAllowListSchema = z.strictObject({ cidrs });
export type NewAllowListBody = z.output<typeof newAllowListSchema>;

export const allowListSchema = component('AllowList', z.object({ cidrs: z.array(z.string()) })
  .meta({ description: 'From where clients may connect to a database.' }));
export type AllowListDocument = z.output<typeof allowListSchema>;
