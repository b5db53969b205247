/** What a fleet needs to be reached by. */
export interface FleetDoors {
  readonly dataDir: string;
  /** The API's port, if it listens on more than this machine; null otherwise. */
  readonly apiPort: number | null;
  /** Ranges of the gateways' ports, `first-last`; empty if they are reached on this machine only. */
  readonly gatewayPorts: readonly string[];
  readonly sshPort: number;
}

/** A file that a host should have. */
export interface HostFile {
  /** By which the command knows it. */
  readonly name: string;
  readonly path: string;
  /** What puts it into force. */
  readonly apply: string;
  readonly content: string;
}

/** Settings of the kernel, and the least value that each should have. */
export const KERNEL_SETTINGS: Readonly<Record<string, number>> = {
  // Addresses of the kernel's, and its messages, are root's alone.
  'kernel.kptr_restrict': 2,
  'kernel.dmesg_restrict': 1,
  // Nobody looks into a process that is not a child of their own: not even one of the same account.
  'kernel.yama.ptrace_scope': 1,
  'kernel.unprivileged_bpf_disabled': 1,
  // Links and files in folders that everybody writes to cannot be laid as traps.
  'fs.protected_hardlinks': 1,
  'fs.protected_symlinks': 1,
  'fs.protected_fifos': 2,
  'fs.protected_regular': 2,
  'net.ipv4.tcp_syncookies': 1,
};
/** What a program writes of its memory when it dies holds passwords and tenants' rows. */
export const NO_CORES: Readonly<Record<string, string>> = { 'fs.suid_dumpable': '0', 'kernel.core_pattern': '|/bin/false' };

/** Every file that a host of a fleet should have. */
export function hostFiles(doors: FleetDoors): HostFile[] {
  return [
    {
      name: 'sysctl', path: '/etc/sysctl.d/60-freehold.conf', apply: 'sysctl --system',
      content: lines('# freehold: what the kernel keeps from programs that are not root\'s',
        ...Object.entries({ ...KERNEL_SETTINGS, ...NO_CORES }).map(([name, value]) => `${name} = ${value}`)),
    },
    {
      name: 'limits', path: '/etc/security/limits.d/60-freehold.conf', apply: 'at the next log-in',
      content: lines('# freehold: no memory of a program on the disk', '* hard core 0', 'root hard core 0'),
    },
    {
      name: 'updates', path: '/etc/apt/apt.conf.d/60-freehold', apply: 'apt-get install unattended-upgrades',
      content: lines('// freehold: security updates by themselves', 'APT::Periodic::Update-Package-Lists "1";',
        'APT::Periodic::Unattended-Upgrade "1";'),
    },
    { name: 'firewall', path: '/etc/nftables.d/freehold.nft', apply: 'nft -f /etc/nftables.d/freehold.nft', content: firewall(doors) },
    { name: 'filter', path: '/etc/fail2ban/filter.d/freehold.conf', apply: 'fail2ban-client reload', content: BAN_FILTER },
    { name: 'jail', path: '/etc/fail2ban/jail.d/freehold.conf', apply: 'fail2ban-client reload', content: jail(doors) },
  ];
}

/** Loaded again it takes the place of what was loaded before, in one step, and touches no other table. */
function firewall({ apiPort, gatewayPorts, sshPort }: FleetDoors): string {
  const open = (port: string | number, what: string): string => `    tcp dport ${port} accept comment "${what}"`;
  return lines(
    '#!/usr/sbin/nft -f',
    '# freehold: the API, the gateways and ssh may be reached from elsewhere, and nothing else',
    'table inet freehold',
    'delete table inet freehold',
    'table inet freehold {',
    '  chain input {',
    '    type filter hook input priority filter; policy drop;',
    '    ct state established,related accept',
    '    ct state invalid drop',
    '    iif "lo" accept',
    '    # From elsewhere nobody has an address of this machine\'s own, by which instances know the gateway.',
    '    ip saddr 127.0.0.0/8 drop',
    '    meta l4proto { icmp, ipv6-icmp } accept',
    open(sshPort, 'ssh'),
    ...(apiPort === null ? ['    # The API listens on this machine only.'] : [open(apiPort, 'the API')]),
    ...(gatewayPorts.length === 0
      ? ['    # The gateways are reached on this machine only.']
      : [open(`{ ${gatewayPorts.join(', ')} }`, 'the gateways')]),
    '  }',
    '}',
  );
}

/**
 * Whom the routers refuse for what only attackers do, and those who do not know the password at a pooler. Clients that are refused for
 * where they come from are not among them: a customer who has forgotten an address would be shut out everywhere.
 *
 * Names that a client chooses stand before its address and may hold anything; what follows the address ends the line.
 */
const BAN_FILTER = `# freehold: addresses that the gateways refuse
[Definition]
failregex = ^ (?:source-limit|first-bytes) database=\\S+ port=\\d+ source=<ADDR> state=\\S+$
            ^ UTC \\[\\d+\\] WARNING C-0x[0-9a-f]+: .*@\\[?<ADDR>\\]?:\\d+ pooler error: (?:password|SASL) authentication failed$
            ^ UTC \\[\\d+\\] WARNING C-0x[0-9a-f]+: .*@\\[?<ADDR>\\]?:\\d+ pooler error: no such user$
ignoreregex =
datepattern = ^%%Y-%%m-%%dT%%H:%%M:%%SZ
              ^%%Y-%%m-%%d %%H:%%M:%%S\\.%%f(?= UTC)
`;

function jail({ dataDir, apiPort, gatewayPorts }: FleetDoors): string {
  const ports = [...gatewayPorts.map((range) => range.replace('-', ':')), ...(apiPort === null ? [] : [String(apiPort)])];
  return lines(
    '# freehold: who is refused again and again is not answered for a while',
    '[freehold]',
    'enabled = true',
    'filter = freehold',
    'backend = polling',
    `logpath = ${dataDir}/gateways/*/router/log`,
    `          ${dataDir}/gateways/*/poolers/*/log`,
    `port = ${ports.join(',') || '0:65535'}`,
    'maxretry = 20',
    'findtime = 10m',
    'bantime = 1h',
    'ignoreip = 127.0.0.0/8 ::1',
  );
}

const lines = (...all: readonly string[]): string => `${all.join('\n')}\n`;
