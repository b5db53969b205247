import type { FleetDescription } from './fleet-description.js';

type Described = Pick<FleetDescription, 'publicHost' | 'publicCertificate'> & {
  readonly regions: readonly { readonly gateway: { readonly firstPort: number } }[];
};

/** Why databases have other addresses than they had, in words that follow "because"; none if they have the same. */
export function whyMoved(before: Described, now: Described): string[] {
  const hadPorts = before.regions.every(({ gateway }) => gateway.firstPort > 0);
  return [
    ...(hadPorts ? [] : ['each database has ports of its own now, where one gateway served a whole region']),
    ...(before.publicHost === now.publicHost
      ? []
      : [`the public host is ${now.publicHost ?? 'none'} now, and was ${before.publicHost ?? 'none'}`]),
    ...((before.publicCertificate === null) === (now.publicCertificate === null) ? [] : [
      now.publicCertificate === null
        ? 'servers present the fleet\'s own certificates again'
        : 'servers present a certificate that everybody trusts',
    ]),
  ];
}
