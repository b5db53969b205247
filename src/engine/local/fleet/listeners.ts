import type { HostShell } from '../machine/host-shell.js';
import { addressBytes } from './address-bytes.js';

/** A socket that listens, as the kernel lists it. */
export interface Listener {
  /** 4 or 16; what an IPv6 socket takes of one IPv4 address is that. */
  readonly bytes: readonly number[];
  readonly port: number;
}

/** All addresses of a machine. */
export const EVERYWHERE: readonly string[] = ['0.0.0.0', '::'];
/** The kernel's number of the state in which a socket listens. */
const LISTENING = '0A';
/** How an IPv6 address begins that stands for one of IPv4. */
const MAPPED = [0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff];

/** Who listens on this machine, over IPv4 or IPv6. */
export async function readListeners(shell: HostShell): Promise<Listener[]> {
  const tables = await Promise.all(['/proc/net/tcp', '/proc/net/tcp6'].map((path) => shell.read(path)));
  return tables.flatMap((table) => parseListeners(table ?? ''));
}

/** Reads /proc/net/tcp or tcp6: who listens. */
export function parseListeners(table: string): Listener[] {
  return table.split('\n').flatMap((line) => {
    const [, local, , state] = line.trim().split(/\s+/);
    const [address = '', port = ''] = local?.split(':') ?? [];
    return state === LISTENING ? [{ bytes: parseAddress(address), port: Number.parseInt(port, 16) }] : [];
  });
}

/** The kernel writes each 32 bits in the order of the machine, which is little-endian wherever Freehold runs. */
function parseAddress(hex: string): number[] {
  const words = hex.match(/.{8}/g) ?? [];
  const bytes = words.flatMap((word) => (word.match(/../g) ?? []).reverse().map((byte) => Number.parseInt(byte, 16)));
  return MAPPED.every((byte, at) => byte === bytes[at]) ? bytes.slice(MAPPED.length) : bytes;
}

/** The ports on which nobody else can listen any more at one of some addresses. */
export function portsTakenAt(listeners: readonly Listener[], addresses: readonly string[]): Set<number> {
  const wanted = addresses.map(addressBytes);
  return new Set(listeners.filter(({ bytes }) => wanted.some((address) => collide(bytes, address))).map(({ port }) => port));
}

/** A socket of all IPv6 addresses may take those of IPv4 too; whether it does is not to be seen here. */
function collide(listener: readonly number[], wanted: readonly number[]): boolean {
  const isSameFamily = listener.length === wanted.length;
  if (isAll(listener)) return isSameFamily || listener.length > wanted.length;
  return isSameFamily && (isAll(wanted) || listener.every((byte, at) => byte === wanted[at]));
}

const isAll = (bytes: readonly number[]): boolean => bytes.every((byte) => byte === 0);
