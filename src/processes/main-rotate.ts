import 'reflect-metadata';
import { reasonOf } from '../base/reason-of.js';
import { readSettings, takeOverSettings } from '../config/settings.js';
import { dataSourceOptions, openDataSource } from '../metadata/data-source.js';
import { resealMetadata } from '../reconciliation/reseal-metadata.js';
import { openVault } from '../secrets/open-vault.js';
import { Vault } from '../secrets/vault.js';

/**
 * The process by which `freehold keys rotate` seals the metadata's secrets anew. How far it is, and at the end what it did, it prints
 * as lines of JSON.
 */
async function main(): Promise<void> {
  await takeOverSettings();
  const settings = readSettings();
  const { FREEHOLD_FORMER_MASTER_KEY: former } = settings;
  if (former === undefined) throw new Error('the key that the secrets are sealed under is needed, in FREEHOLD_FORMER_MASTER_KEY');
  const before = new Vault(Buffer.from(former, 'base64'));
  const dataSource = await openDataSource(dataSourceOptions(settings.DATABASE_URL));
  const say = (line: object): boolean => process.stdout.write(`${JSON.stringify(line)}\n`);
  try {
    say(await resealMetadata(dataSource, openVault(settings), before, (done, of) => say({ done, of })));
  } finally {
    await dataSource.destroy();
  }
}

main().catch((error: unknown) => {
  process.stderr.write(`${reasonOf(error)}\n`);
  process.exitCode = 1;
});
