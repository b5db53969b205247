import { EngineError } from '../../errors.js';
import { backupsDirectory, siteMarker } from '../fleet/fleet-layout.js';
import { lastLines } from '../host-shell/gate.js';
import type { LocalFleet } from '../local-fleet.js';
import { backrestConfiguration, type LocalSite } from './repositories.js';
import { IO_TIMEOUT_S, requireSite } from './site-work.js';

export interface SiteProbe {
  readonly usable: boolean;
  readonly reason?: string;
  readonly freeBytes?: number;
  readonly madeAt?: Date;
}

/** Writes a file at a site, reads it, and removes it again. */
export async function probeSite(fleet: LocalFleet, site: LocalSite, signal: AbortSignal): Promise<SiteProbe> {
  const { directory } = site.repository;
  const { shell } = fleet;
  if (directory === undefined) return probeRemote(fleet, site, signal);
  try {
    await requireSite(fleet, site);
    const path = `${directory}/probe-${process.pid}-${Date.now()}`;
    const result = await shell.run(['/bin/sh', '-c', 'echo ok >"$1" && grep -q ok "$1"; status=$?; rm -f "$1"; exit $status', 'probe', path], { signal });
    if (result.code !== 0) return { usable: false, reason: result.stderr.trim() || 'what was written cannot be read' };
    const [room, madeAt] = await Promise.all([shell.roomAt(directory), shell.modifiedAt(siteMarker(directory))]);
    return { usable: true, ...(room ? { freeBytes: room.freeBytes } : {}), ...(madeAt ? { madeAt } : {}) };
  } catch (error) {
    return { usable: false, reason: error instanceof EngineError ? error.message : `no answer: ${(error as Error).message}` };
  }
}

/** By the protocol, as whoever runs this, with a configuration that lasts no longer than the probe. */
async function probeRemote({ shell, root }: LocalFleet, site: LocalSite, signal: AbortSignal): Promise<SiteProbe> {
  const directory = `${backupsDirectory(root)}/probe-${site.id}-${process.pid}-${Date.now()}`;
  const name = `probe-${process.pid}-${Date.now()}`;
  try {
    await shell.ensureDirectory(directory, 0o700);
    for (const [file, content] of Object.entries(site.repository.files)) await shell.write({ path: `${directory}/${file}`, content, mode: 0o600 });
    await shell.write({ path: `${directory}/probe.conf`, content: probeConfiguration(site, directory), mode: 0o600 });
    const words = (verb: string): string[] => ['pgbackrest', `--config=${directory}/probe.conf`, verb, name];
    const put = await shell.run(words('repo-put'), { signal, input: 'ok' });
    const got = put.code === 0 ? await shell.run(words('repo-get'), { signal }) : put;
    await shell.run(words('repo-rm'), { signal });
    if (got.code === 0 && got.stdout === 'ok') return { usable: true };
    return { usable: false, reason: lastLines(got.stderr) || 'what was written cannot be read' };
  } catch (error) {
    return { usable: false, reason: `no answer: ${(error as Error).message}` };
  } finally {
    await shell.remove(directory);
  }
}

function probeConfiguration(site: LocalSite, directory: string): string {
  const files = Object.fromEntries(Object.keys(site.repository.files).map((name) => [name, `${directory}/${name}`]));
  const options = { 'log-level-console': 'off', 'log-level-stderr': 'error', 'log-level-file': 'off', 'io-timeout': IO_TIMEOUT_S };
  return backrestConfiguration({ comment: 'a probe', repositories: [{ ...site.repository.options, ...files }], options });
}
