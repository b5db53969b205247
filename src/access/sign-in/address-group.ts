import { isIPv6 } from 'node:net';

/** The bits of an IPv6 address that one customer of a provider is given at least (RFC 6177): the rest is theirs to choose. */
const GROUPS_OF_A_NETWORK = 4;

/** Whose guesses are counted together: an IPv4 address, or the network that an IPv6 address is in. */
export function addressGroup(address: string | null): string {
  if (address === null) return 'unknown';
  const mapped = /^::ffff:(\d+\.\d+\.\d+\.\d+)$/i.exec(address)?.[1];
  if (mapped !== undefined) return mapped;
  const [plain = ''] = address.split('%');
  if (!isIPv6(plain)) return address;
  const [head = '', tail] = plain.toLowerCase().split('::');
  const [before, after] = [head, tail ?? ''].map((part) => part.split(':').filter(Boolean));
  const missing = tail === undefined ? 0 : 8 - (before?.length ?? 0) - (after?.length ?? 0);
  const all = [...(before ?? []), ...Array.from({ length: missing }, () => '0'), ...(after ?? [])];
  return `${all.slice(0, GROUPS_OF_A_NETWORK).map((group) => Number.parseInt(group, 16).toString(16)).join(':')}::/64`;
}
