import type { Server } from 'node:https';
import { reasonOf } from '../base/reason-of.js';
import { type Settings, SettingsError } from '../config/settings.js';
import { readTextFile } from '../engine/engine.js';
import { findTlsFaults, type TlsFiles, tlsOptions } from '../http/judge-tls.js';
import { Rounds } from '../operations/rounds.js';
import type { Log } from '../telemetry/log.js';

/** How soon a certificate that was renewed is presented, at most. */
const LOOK_EVERY_MS = 2_000;

type Settled = Pick<Settings, 'FREEHOLD_TLS_CERTIFICATE' | 'FREEHOLD_TLS_KEY'>;

/**
 * The certificate that the API presents, from the files that the settings name.
 *
 * @returns undefined if they name none
 * @throws SettingsError with everything that is wrong with them
 */
export async function readApiCertificate(settings: Settled): Promise<TlsFiles | undefined> {
  const { files, faults } = await inspect(settings);
  if (faults.length > 0) throw new SettingsError(faults.map((fault) => `FREEHOLD_TLS_CERTIFICATE: ${fault}`));
  return files;
}

/** Takes new files over while the server runs: nobody is disconnected, and new connections are shown the new certificate. */
export class ApiCertificateWatch {
  private readonly rounds: Rounds;
  private told: string | undefined;

  constructor(private readonly server: Server, private current: TlsFiles, private readonly settings: Settled, private readonly log: Log) {
    this.rounds = new Rounds({
      everyMs: LOOK_EVERY_MS, round: () => this.look(), whenFailed: 'the certificate of the API could not be looked at', log,
    });
  }

  start(): void {
    this.rounds.start();
  }

  stop(): Promise<void> {
    return this.rounds.stop();
  }

  /** What cannot be used, such as files that are half written, is told once, and the certificate before goes on. */
  private async look(): Promise<void> {
    const { files, faults } = await inspect(this.settings);
    const said = faults.join('; ');
    if (said !== '' && said !== this.told) this.log.error({ faults }, 'certificate of the API cannot be used');
    this.told = said;
    if (said !== '' || files === undefined) return;
    if (files.certificate === this.current.certificate && files.key === this.current.key) return;
    this.server.setSecureContext(tlsOptions(files));
    this.current = files;
    this.log.info('the API presents a new certificate');
  }
}

async function inspect(
  { FREEHOLD_TLS_CERTIFICATE: certificatePath, FREEHOLD_TLS_KEY: keyPath }: Settled,
): Promise<{ readonly files?: TlsFiles; readonly faults: readonly string[] }> {
  if (certificatePath === undefined || keyPath === undefined) return { faults: [] };
  const [certificate, key] = await Promise.all([read(certificatePath), read(keyPath)]);
  if (typeof certificate !== 'string') return { faults: [certificate.fault] };
  if (typeof key !== 'string') return { faults: [key.fault] };
  const files = { certificate, key };
  return { files, faults: findTlsFaults(files) };
}

async function read(path: string): Promise<string | { readonly fault: string }> {
  try {
    return (await readTextFile(path)) ?? { fault: `${path} is not there` };
  } catch (error) {
    return { fault: `${path} cannot be read: ${reasonOf(error)}` };
  }
}
