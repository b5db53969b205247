/** How slow, and how long, a download may be: as long as it lasts, nothing that was deleted can be vacuumed, and DDL has to wait. */
export interface DownloadLimits {
  /** A client that takes less than {@link leastBytes} in this time is given up. */
  readonly stallMs: number;
  readonly leastBytes: number;
  readonly totalMs: number;
}

/** What a minute at 17 KiB a second brings; less is no way to download a database. */
export const LEAST_BYTES = 1_048_576;

/** A stretch of a download, of {@link DownloadLimits.stallMs}. */
export interface DownloadStretch {
  /** Since the download began. */
  readonly elapsedMs: number;
  readonly stretchMs: number;
  /** How much of the stretch the dump waited for its client; the rest of it the client waited for the dump. */
  readonly blockedMs: number;
  readonly bytes: number;
}

/**
 * Why a download has to end; undefined while it may go on. A dump that is slow itself, such as that of a database with very many
 * tables, is not its client's fault.
 */
export function judgeDownload(
  { elapsedMs, stretchMs, blockedMs, bytes }: DownloadStretch, { leastBytes, totalMs }: Omit<DownloadLimits, 'stallMs'>,
): string | undefined {
  if (elapsedMs >= totalMs) return `it was not done after ${Math.round(totalMs / 1_000)} s`;
  if (blockedMs >= stretchMs / 2 && bytes < leastBytes) return `its client took ${bytes} bytes in ${Math.round(stretchMs / 1_000)} s`;
  return undefined;
}
