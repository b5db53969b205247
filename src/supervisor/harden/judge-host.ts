import type { HostFile } from './host-files.js';
import { KERNEL_SETTINGS, NO_CORES } from './host-files.js';

/** What was seen of a host. */
export interface HostFacts {
  /** Settings of the kernel by name, as text; what the kernel does not have is left out. */
  readonly kernel: Readonly<Record<string, string>>;
  /** Whether APT's own word is that security updates are installed by themselves, and the program for it is there. */
  readonly updatesItself: boolean;
  /** The firewall as it is loaded; null if it cannot be asked. */
  readonly firewall: { readonly loaded: boolean } | null;
  /** Whether fail2ban watches the fleet's logs. */
  readonly bans: boolean;
  /** Files of {@link HostFile.path} that are there, with their contents. */
  readonly files: ReadonlyMap<string, string>;
  /** Paths whose modes let others in, each with what it is. */
  readonly openPaths: readonly { readonly path: string; readonly mode: number; readonly most: number }[];
  /** Programs with known holes, each in one line. */
  readonly holes: readonly string[];
}

/** Something that a host lacks. */
export interface Lack {
  readonly id: string;
  readonly what: string;
  readonly fix: string;
}

/** What a host lacks of what it should have. */
export function judgeHost(facts: HostFacts, files: readonly HostFile[]): Lack[] {
  return [...judgeKernel(facts.kernel), ...judgeServices(facts, files), ...judgeFiles(facts)];
}

function judgeKernel(kernel: HostFacts['kernel']): Lack[] {
  const fix = 'freehold harden sysctl > /etc/sysctl.d/60-freehold.conf && sysctl --system';
  const low = Object.entries(KERNEL_SETTINGS).filter(([name, least]) => !(Number(kernel[name]) >= least));
  const other = Object.entries(NO_CORES).filter(([name, wanted]) => kernel[name]?.trim() !== wanted);
  return [
    ...low.map(([name, least]) => ({ id: name, what: `${name} is ${kernel[name] ?? 'not there'}, and should be ${least}`, fix })),
    ...other.map(([name, wanted]) => ({ id: name, what: `${name} is "${kernel[name]?.trim() ?? ''}", and should be "${wanted}"`, fix })),
  ];
}

function judgeServices({ updatesItself, firewall, bans, files: present }: HostFacts, files: readonly HostFile[]): Lack[] {
  const lacks: Lack[] = [];
  if (!updatesItself) {
    lacks.push({
      id: 'updates', what: 'security updates are not installed by themselves',
      fix: 'apt-get install unattended-upgrades && freehold harden updates > /etc/apt/apt.conf.d/60-freehold',
    });
  }
  const wall = files.find(({ name }) => name === 'firewall');
  if (!firewall?.loaded || (wall && present.get(wall.path) !== wall.content)) {
    lacks.push({
      id: 'firewall',
      what: firewall?.loaded ? 'the firewall is not the one for this fleet as it is now' : 'no firewall of the fleet is loaded',
      fix: 'apt-get install nftables && freehold harden firewall > /etc/nftables.d/freehold.nft && nft -f /etc/nftables.d/freehold.nft',
    });
  }
  if (!bans) {
    lacks.push({
      id: 'bans', what: 'nobody is banned who is refused again and again',
      fix: 'apt-get install fail2ban && freehold harden filter > /etc/fail2ban/filter.d/freehold.conf && '
        + 'freehold harden jail > /etc/fail2ban/jail.d/freehold.conf && fail2ban-client reload',
    });
  }
  return lacks;
}

function judgeFiles({ openPaths, holes }: HostFacts): Lack[] {
  const octal = (mode: number): string => mode.toString(8).padStart(4, '0');
  return [
    ...openPaths.map(({ path, mode, most }) => (
      { id: 'mode', what: `${path} has the mode ${octal(mode)}, and may have ${octal(most)}`, fix: `chmod ${octal(most)} ${path}` })),
    ...holes.map((hole) => ({ id: 'hole', what: hole, fix: 'apt-get update && apt-get upgrade, then freehold down and up' })),
  ];
}

/** Whether a mode gives more than another one. */
export const givesMore = (mode: number, most: number): boolean => (mode & 0o7777 & ~most) !== 0;
