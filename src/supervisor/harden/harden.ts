import { existsSync, readFileSync } from 'node:fs';
import { z } from 'zod';

import { CliError, EXIT } from '../../cli/cli-error.js';
import { formatTable, note, print, printJson } from '../../cli/output.js';
import { readCliSettings } from '../../config/settings.js';
import { fleetFile } from '../../engine/local/fleet/fleet-layout.js';
import { chooseDataDir, ControlDirectory } from '../control-directory.js';
import { type FleetDoors, hostFiles } from './host-files.js';
import { judgeHost } from './judge-host.js';
import { lookAtHost } from './look-at-host.js';

export interface HardenFlags {
  readonly dataDir?: string;
  readonly bind?: string;
  readonly sshPort?: number;
  readonly check?: boolean;
  readonly json?: boolean;
}

/** Ports of each kind of endpoint that a region's gateway has for each database. */
const PORTS_PER_SLOT = 3;
const SSH_PORT = 22;

const fleetSchema = z.object({
  publicHost: z.string().nullable(), regions: z.array(z.object({ gateway: z.object({ firstPort: z.number(), slots: z.number() }) })),
});
const portsSchema = z.object({ api: z.number() });

/** `freehold harden` */
export async function harden(name: string | undefined, flags: HardenFlags): Promise<void> {
  const settings = readCliSettings();
  const directory = new ControlDirectory(chooseDataDir(flags.dataDir, settings));
  const files = hostFiles(readDoors(directory, flags, settings.FREEHOLD_BIND));
  if (flags.check) return check(directory, files, flags.json === true);
  const chosen = name === undefined ? files : files.filter((file) => file.name === name);
  if (chosen.length === 0) {
    throw new CliError(`there is no file "${name}"; there are ${files.map((file) => file.name).join(', ')}`, EXIT.usage);
  }
  if (flags.json) printJson(chosen);
  else if (name !== undefined) process.stdout.write(chosen.map(({ content }) => content).join(''));
  else {
    print(chosen.map((file) => `### ${file.path}, in force with: ${file.apply}\n${file.content}`).join('\n'));
    note('one file alone: freehold harden NAME; what this host lacks: freehold harden --check');
  }
}

async function check(directory: ControlDirectory, files: ReturnType<typeof hostFiles>, asJson: boolean): Promise<void> {
  const lacks = judgeHost(await lookAtHost(directory, files), files);
  if (asJson) printJson({ lacks });
  else if (lacks.length > 0) print(formatTable(lacks, [['WHAT', ({ what }) => what], ['TO DO', ({ fix }) => fix]]));
  if (lacks.length > 0) throw new CliError(`this host lacks ${lacks.length} of what it should have`);
  note('this host has all that it should have');
}

/** @throws CliError where there is no fleet */
function readDoors(directory: ControlDirectory, { bind, sshPort = SSH_PORT }: HardenFlags, settled: string | undefined): FleetDoors {
  const { dataDir, ports } = directory;
  if (!existsSync(fleetFile(dataDir)) || !existsSync(ports)) {
    throw new CliError(`there is no fleet in ${dataDir}: start it with freehold up, or name its directory with --data-dir`);
  }
  const { publicHost, regions } = fleetSchema.parse(JSON.parse(readFileSync(fleetFile(dataDir), 'utf8')));
  const { api } = portsSchema.parse(JSON.parse(readFileSync(ports, 'utf8')));
  const listensOn = bind ?? settled ?? '127.0.0.1';
  return {
    dataDir, sshPort, apiPort: /^127\.|^::1$|^localhost$/.test(listensOn) ? null : api,
    gatewayPorts: publicHost === null
      ? []
      : regions.map(({ gateway: { firstPort, slots } }) => `${firstPort}-${firstPort + PORTS_PER_SLOT * slots - 1}`),
  };
}
