import { execFileSync } from 'node:child_process';
import { chmodSync, rmSync, statfsSync, statSync } from 'node:fs';

const SIZE = '768M';

/** What is left of a disk that is filled: less than anything that is stored. */
const REST_BYTES = 256 * 1024;

/**
 * A backup site on a disk of its own, which hangs on demand: whoever writes to it then waits until it goes on, and cannot
 * be killed meanwhile; or which is full. Only root can make one.
 */
export class SiteDisk {
  private frozen = false;

  private constructor(private readonly path: string) {}

  /** Puts a disk in the place of a site, with all that is there. */
  static mount(path: string): SiteDisk {
    const image = `${path}.disk`;
    const { mode } = statSync(path);
    execFileSync('truncate', ['--size', SIZE, image]);
    execFileSync('mkfs.ext4', ['-q', '-F', '-m', '0', '-d', path, image]);
    execFileSync('mount', ['-o', 'loop', image, path]);
    chmodSync(path, mode & 0o7777);
    return new SiteDisk(path);
  }

  fill(): void {
    const { bavail, bsize } = statfsSync(this.path);
    execFileSync('fallocate', ['--length', String(bavail * bsize - REST_BYTES), this.ballast]);
  }

  makeRoom(): void {
    rmSync(this.ballast, { force: true });
  }

  private get ballast(): string {
    return `${this.path}/ballast`;
  }

  hang(): void {
    execFileSync('fsfreeze', ['--freeze', this.path]);
    this.frozen = true;
  }

  goOn(): void {
    if (this.frozen) execFileSync('fsfreeze', ['--unfreeze', this.path]);
    this.frozen = false;
  }

  /** Whoever still has a file open there keeps it until they end. */
  unmount(): void {
    this.goOn();
    execFileSync('umount', ['--lazy', this.path]);
  }
}
