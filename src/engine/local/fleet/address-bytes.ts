import { isIPv6 } from 'node:net';

/** The 4 or 16 bytes of an IP address, in the order of the network. */
export function addressBytes(address: string): number[] {
  if (!isIPv6(address)) return address.split('.').map(Number);
  // An IPv6 address may end in the notation of IPv4.
  const [text] = address.split('%');
  const plain = (text ?? '').replace(
    /(\d+)\.(\d+)\.(\d+)\.(\d+)$/, (_, ...bytes: string[]) => `${groupOf(bytes[0], bytes[1])}:${groupOf(bytes[2], bytes[3])}`,
  );
  const [head = '', tail] = plain.split('::');
  const groups = (part: string): number[] => part.split(':').filter(Boolean).map((group) => Number.parseInt(group, 16));
  const [first, last] = [groups(head), groups(tail ?? '')];
  const middle = tail === undefined ? [] : Array.from({ length: 8 - first.length - last.length }, () => 0);
  return [...first, ...middle, ...last].flatMap((group) => [group >> 8, group & 0xff]);
}

const groupOf = (high: string | undefined, low: string | undefined): string => (Number(high) * 256 + Number(low)).toString(16);
