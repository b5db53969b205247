import { EngineError } from '../../errors.js';
import type { LocalFleet } from '../local-fleet.js';
import { requireSite, type LocalSite } from './site-work.js';

export interface SiteProbe {
  readonly usable: boolean;
  readonly reason?: string;
  readonly freeBytes?: number;
}

/** Writes a file at a site, reads it, and removes it again. */
export async function probeSite(fleet: LocalFleet, site: LocalSite, signal: AbortSignal): Promise<SiteProbe> {
  const { directory } = site.repository;
  if (directory === undefined) return { usable: true };
  const { shell } = fleet;
  try {
    await requireSite(fleet, site);
    const path = `${directory}/probe-${process.pid}-${Date.now()}`;
    const result = await shell.run(['/bin/sh', '-c', 'echo ok >"$1" && grep -q ok "$1"; status=$?; rm -f "$1"; exit $status', 'probe', path], { signal });
    if (result.code !== 0) return { usable: false, reason: result.stderr.trim() || 'what was written cannot be read' };
    const room = await shell.roomAt(directory);
    return { usable: true, ...(room ? { freeBytes: room.freeBytes } : {}) };
  } catch (error) {
    return { usable: false, reason: error instanceof EngineError ? error.message : `no answer: ${(error as Error).message}` };
  }
}
