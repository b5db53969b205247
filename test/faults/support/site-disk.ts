import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync, truncateSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

const run = (program: string, ...args: string[]): void => void execFileSync(program, args, { stdio: ['ignore', 'ignore', 'pipe'] });

/** Whether this machine lets tests have disks of their own. */
export function mayHaveDisks(): boolean {
  try {
    run('losetup', '--find');
    return process.getuid?.() === 0;
  } catch {
    return false;
  }
}

/** A disk of its own below a backup site, which can hang as a network's does: reading goes on, and what is written waits. */
export class SiteDisk {
  private isHung = false;

  private constructor(private readonly site: string, private readonly scratch: string) {}

  /** Before anything runs that uses the site; what is there already is taken along. */
  static mount(site: string, megabytes: number): SiteDisk {
    const scratch = mkdtempSync(join(tmpdir(), 'freehold-test-disk-'));
    const image = join(scratch, 'image');
    writeFileSync(image, '');
    truncateSync(image, megabytes * 2 ** 20);
    run('mkfs.ext4', '-q', '-F', '-m', '0', image);
    run('cp', '-a', site, join(scratch, 'before'));
    run('mount', '-o', 'loop', image, site);
    run('cp', '-a', `${join(scratch, 'before')}/.`, site);
    return new SiteDisk(site, scratch);
  }

  hang(): void {
    run('fsfreeze', '--freeze', this.site);
    this.isHung = true;
  }

  goOn(): void {
    if (this.isHung) run('fsfreeze', '--unfreeze', this.site);
    this.isHung = false;
  }

  /** Once nobody uses it any more. */
  unmount(): void {
    this.goOn();
    run('umount', '--lazy', this.site);
    rmSync(this.scratch, { recursive: true, force: true });
  }
}
