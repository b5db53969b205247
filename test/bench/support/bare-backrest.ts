import { randomBytes } from 'node:crypto';
import { mkdirSync, writeFileSync } from 'node:fs';
import { chown } from 'node:fs/promises';
import { join } from 'node:path';
import pg from 'pg';
import { eventually, freePort, postgresAccount } from '../../support/servers.js';
import { type BarePair, makeBareDirectory, makeBarePair, runBare } from '../../support/bare-postgres.js';

const PGBACKREST = '/usr/bin/pgbackrest';

/** A pair that archives to one encrypted repository of pgBackRest's, with the options that Freehold uses and nothing else. */
export class BareBackups {
  private restores = 0;

  private constructor(private readonly root: string, private readonly configuration: string, readonly pair: BarePair) {}

  static async make(): Promise<BareBackups> {
    const root = await makeBareDirectory();
    const configuration = join(root, 'pgbackrest.conf');
    const options = {
      'repo1-path': join(root, 'repository'), 'repo1-cipher-type': 'aes-256-cbc', 'repo1-cipher-pass': randomBytes(32).toString('base64'), 'repo1-bundle': 'y',
      'repo1-retention-full': '100', 'lock-path': join(root, 'lock'), 'log-path': join(root, 'log'), 'spool-path': join(root, 'spool'), 'log-level-file': 'off',
      'log-level-console': 'off', 'log-level-stderr': 'warn', 'compress-type': 'zst', 'compress-level': '3', 'expire-auto': 'n',
    };
    writeFileSync(configuration, `[global]\n${Object.entries(options).map(([name, value]) => `${name}=${value}`).join('\n')}\n[main]\npg1-path=${join(root, 'primary')}\npg1-user=postgres\npg1-socket-path=${root}\n`, { mode: 0o600 });
    for (const path of ['lock', 'log', 'spool', 'repository'].map((name) => join(root, name))) await own(path, () => mkdirSync(path));
    await own(configuration, () => undefined);
    const pair = await makeBarePair({ archive_mode: 'on', archive_command: `${PGBACKREST} --config=${configuration} --stanza=main archive-push %p` }, root);
    const bare = new BareBackups(root, configuration, pair);
    await bare.run(['stanza-create', `--pg1-port=${pair.primaryPort}`]);
    return bare;
  }

  /** Seconds that a full backup takes. */
  backUp(): Promise<number> {
    return time(() => this.run(['backup', '--type=full', '--start-fast', '--archive-copy', `--pg1-port=${this.pair.primaryPort}`]));
  }

  /** Seconds from the beginning of a restore to a moment until the restored server accepts writes. */
  async restore(target: Date): Promise<number> {
    const directory = join(this.root, `restored-${(this.restores += 1)}`);
    await own(directory, () => mkdirSync(directory, { mode: 0o700 }));
    const port = await freePort();
    const seconds = await time(async () => {
      await this.run(['restore', `--pg1-path=${directory}`, '--type=time', `--target=${target.toISOString().replace('T', ' ').replace('Z', '+00')}`, '--target-action=promote']);
      await runBare('pg_ctl', ['-D', directory, '-w', '-t', '600', '-l', join(this.root, 'restored.log'), '-o',
        `-c port=${port} -c listen_addresses=127.0.0.1 -c unix_socket_directories=${this.root} -c archive_mode=off`, 'start']);
      const client = new pg.Client({ host: '127.0.0.1', port, user: 'postgres', database: 'app' });
      await client.connect();
      await eventually(async () => !(await client.query<{ standby: boolean }>('SELECT pg_is_in_recovery() AS standby')).rows[0]!.standby, 600_000);
      await client.end();
    });
    await runBare('pg_ctl', ['-D', directory, '-m', 'immediate', '-w', 'stop']);
    return seconds;
  }

  remove(): Promise<void> {
    return this.pair.stop();
  }

  private run(words: readonly string[]): Promise<void> {
    return runBare(PGBACKREST, [`--config=${this.configuration}`, '--stanza=main', ...words]);
  }
}

async function own(path: string, make: () => void): Promise<void> {
  make();
  const { uid, gid } = postgresAccount();
  if (uid !== undefined && gid !== undefined) await chown(path, uid, gid);
}

async function time(work: () => Promise<void>): Promise<number> {
  const began = performance.now();
  await work();
  return (performance.now() - began) / 1000;
}
