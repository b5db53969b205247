import type { HostShell } from '../machine/host-shell.js';
import { parseListeners, type Listener } from './gateway-ports.js';

/** Who listens on this machine, over IPv4 or IPv6. */
export async function readListeners(shell: HostShell): Promise<Listener[]> {
  const tables = await Promise.all(['/proc/net/tcp', '/proc/net/tcp6'].map((path) => shell.read(path)));
  return tables.flatMap((table) => parseListeners(table ?? ''));
}
