import { isIPv6 } from 'node:net';

/** The kernel's number of the state in which a socket listens. */
const LISTENING = '0A';

/**
 * Ports of a range at which somebody listens so that the addresses cannot be bound as well.
 *
 * @param tables The texts of `/proc/net/tcp` and `/proc/net/tcp6`.
 */
export function findBusyPorts(tables: readonly string[], addresses: readonly string[], firstPort: number, lastPort: number): Set<number> {
  const wanted = addresses.map((address) => ({ six: isIPv6(address), hex: kernelHex(address) }));
  const busy = new Set<number>();
  for (const line of tables.join('\n').split('\n')) {
    const [, local = '', , state] = line.trim().split(/\s+/);
    const [hex = '', portHex = ''] = local.split(':');
    const port = Number.parseInt(portHex, 16);
    if (state !== LISTENING || !(port >= firstPort && port <= lastPort)) continue;
    if (wanted.some((address) => collide(hex, address))) busy.add(port);
  }
  return busy;
}

/** A socket of all IPv6 addresses may take those of IPv4 too; whether it does is not to be seen here. */
function collide(hex: string, wanted: { readonly six: boolean; readonly hex: string }): boolean {
  const sixListens = hex.length === 32;
  if (isNowhere(hex)) return sixListens || !wanted.six;
  return sixListens === wanted.six && (isNowhere(wanted.hex) || wanted.hex === hex);
}

const isNowhere = (hex: string): boolean => /^0+$/.test(hex);

/** As the kernel writes addresses: in words of four bytes, each in the order of this machine, little end first. */
function kernelHex(address: string): string {
  const bytes = isIPv6(address) ? ipv6Bytes(address) : address.split('.').map(Number);
  const hex = bytes.map((byte) => byte.toString(16).padStart(2, '0').toUpperCase());
  return Array.from({ length: hex.length / 4 }, (_, word) => hex.slice(4 * word, 4 * word + 4).reverse().join('')).join('');
}

function ipv6Bytes(address: string): number[] {
  const [head = '', tail] = address.split('::');
  const groups = (text: string): number[] => text.split(':').filter(Boolean).map((group) => Number.parseInt(group, 16));
  const first = groups(head);
  const last = groups(tail ?? '');
  const middle = tail === undefined ? [] : Array.from({ length: 8 - first.length - last.length }, () => 0);
  return [...first, ...middle, ...last].flatMap((group) => [group >> 8, group & 0xff]);
}
