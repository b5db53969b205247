import ipaddr from 'ipaddr.js';

/** Every IPv4 and every IPv6 address: the list of a database whose customer has set none. */
export const EVERYWHERE: readonly string[] = ['0.0.0.0/0', '::/0'];

/**
 * Networks that one list may have. All of them, written as long as they can be, fit into one command of the router's, whose
 * buffer has 16 KB.
 */
export const MOST_NETWORKS = 200;

/** What a text says of a network: how the network is written down, or what is wrong with the text. */
export type NetworkReading = { readonly network: string } | { readonly fault: string };

/**
 * Reads a network in CIDR notation, such as `192.0.2.0/24` or `2001:db8::/32`; an address alone is a network of its own.
 *
 * IPv4 addresses that are written as IPv6 ones (`::ffff:192.0.2.7`) are read as IPv4, as which their clients come. Addresses with
 * bits behind the prefix are refused and not cut short: the customer may have meant the one address.
 */
export function readNetwork(text: string): NetworkReading {
  const [written = '', bits, ...more] = text.split('/');
  const address = more.length === 0 ? readAddress(written) : undefined;
  if (!address) return { fault: 'is not a network: write an address and a prefix, such as 192.0.2.0/24 or 2001:db8::/32' };
  const longest = address.kind() === 'ipv4' ? 32 : 128;
  if (bits !== undefined && (!/^(?:0|[1-9]\d{0,2})$/.test(bits) || Number(bits) > longest)) {
    return { fault: `has no prefix that this kind of address can have: write a number from 0 to ${longest} behind the slash` };
  }
  return withoutHostBits(address, bits === undefined ? longest : Number(bits));
}

function withoutHostBits(given: ipaddr.IPv4 | ipaddr.IPv6, prefix: number): NetworkReading {
  const isMapped = given instanceof ipaddr.IPv6 && given.isIPv4MappedAddress() && prefix >= MAPPED_PREFIX;
  const [address, bits] = isMapped ? [given.toIPv4Address(), prefix - MAPPED_PREFIX] as const : [given, prefix] as const;
  const first = firstAddress(address, bits);
  const network = `${first.toString()}/${bits}`;
  if (first.toString() === address.toString()) return { network };
  return { fault: `has bits behind its prefix: write ${network} for the network, or ${address.toString()} for the one address` };
}

/** `::ffff:0:0/96` holds the IPv4 addresses. */
const MAPPED_PREFIX = 96;

function firstAddress(address: ipaddr.IPv4 | ipaddr.IPv6, bits: number): ipaddr.IPv4 | ipaddr.IPv6 {
  const bytes = address.toByteArray().map((byte, index) => byte & (0xff << Math.min(8, Math.max(0, 8 * (index + 1) - bits))) & 0xff);
  return ipaddr.fromByteArray(bytes);
}

/**
 * Only what is written as people and PostgreSQL write it: no octal or hexadecimal IPv4, no zone, and no IPv4 within IPv6 but the
 * mapped one, for which ipaddr.js takes others (`::192.0.2.7`), too.
 */
function readAddress(text: string): ipaddr.IPv4 | ipaddr.IPv6 | undefined {
  if (ipaddr.IPv4.isValidFourPartDecimal(text)) return ipaddr.IPv4.parse(text);
  if (!text.includes(':') || text.includes('%') || (text.includes('.') && !/^::ffff:[\d.]+$/i.test(text))) return undefined;
  return ipaddr.IPv6.isValid(text) ? ipaddr.IPv6.parse(text) : undefined;
}

/** Whether a list lets every address in, so that nothing has to be looked at. */
export const admitsEverybody = (networks: readonly string[]): boolean => EVERYWHERE.every((network) => networks.includes(network));

/** Whether a client from an address may come in; one whose address cannot be read may not. */
export function admits(networks: readonly string[], source: string): boolean {
  if (admitsEverybody(networks)) return true;
  const read = readAddress(source);
  if (!read) return false;
  const address = read instanceof ipaddr.IPv6 && read.isIPv4MappedAddress() ? read.toIPv4Address() : read;
  return networks.some((network) => {
    const [first, bits] = ipaddr.parseCIDR(network);
    return first.kind() === address.kind() && address.match(first, bits);
  });
}
