import { z } from 'zod';

import { reasonOf } from '../../../base/reason-of.js';
import { EngineError } from '../../errors.js';
import type { SecretVault } from '../../collaborators.js';
import type { HostShell } from '../machine/host-shell.js';
import type { KeyPairPem } from './certificates.js';
import { constrainAuthority } from './constrained-authority.js';
import type { FleetDescription, PublicCertificateFiles } from './fleet-description.js';
import { authorityCertificatePath, publicCertificateDirectory } from './fleet-layout.js';
import { judgePublicCertificate, type Judgement, type PublicCertificate } from './judge-public-certificate.js';

/** The certificate that was taken over last: it serves although its files may be half written, or gone. */
const acceptedSchema = z.object({
  certificate: z.string(),
  /** Sealed under the master key, in base64. */
  key: z.string(),
  names: z.array(z.string()),
  authority: z.string(),
  /** By which sessions inside the fleet verify servers that present it, or the one before: see {@link constrainAuthority}. */
  anchors: z.string(),
  /** What the anchors let in. */
  trusted: z.array(z.object({ authority: z.string(), names: z.array(z.string()) })),
});
type Accepted = z.output<typeof acceptedSchema>;

const acceptedPath = (root: string): string => `${publicCertificateDirectory(root)}/accepted.json`;
const ownerOf = (fleet: FleetDescription): string => `fleet ${fleet.id} public certificate`;

/** Whether servers of the fleet present a public certificate, or did so and may still. */
export const hasAnchors = (shell: HostShell, root: string): Promise<boolean> => shell.exists(acceptedPath(root));

/** When a certificate was taken over last; 0 if never. */
export const acceptedAt = async (shell: HostShell, root: string): Promise<number> =>
  (await shell.modifiedAt(acceptedPath(root)))?.getTime() ?? 0;

/** Reads and judges the files that the fleet's operator named. */
export async function inspectPublicCertificate(
  shell: HostShell, files: PublicCertificateFiles, publicHost: string | null,
): Promise<Judgement> {
  const read = async (what: string, path: string): Promise<string | { readonly fault: string }> => {
    try {
      return (await shell.read(path)) ?? { fault: `${what} ${path} is not there` };
    } catch (error) {
      return { fault: `${what} ${path} cannot be read: ${reasonOf(error)}` };
    }
  };
  const found = await Promise.all([
    read('the certificate', files.certificate), read('its key', files.key), read('the bundle of trusted authorities', files.authorities),
  ]);
  const unread = found.flatMap((one) => (typeof one === 'string' ? [] : [one.fault]));
  const [certificate, key, authorities] = found.map((one) => (typeof one === 'string' ? one : undefined));
  const judged =
    certificate === undefined
      ? undefined
      : judgePublicCertificate({ certificate, key: key ?? '', authorities: authorities ?? '' }, publicHost);
  const [first, ...others] = [...unread, ...faultsBeside(judged, { key, authorities })];
  if (first !== undefined) return { faults: [first, ...others] };
  if (judged) return judged;
  throw new Error('a file that was read is judged');
}

/** Without those that only follow from a file that could not be read. */
function faultsBeside(
  judged: Judgement | undefined, { key, authorities }: { readonly key: string | undefined; readonly authorities: string | undefined },
): string[] {
  const followsFrom = (fault: string): boolean =>
    (key === undefined && fault.startsWith('the file of the key'))
    || (authorities === undefined && fault.includes('do not lead to an authority'));
  return (judged?.faults ?? []).filter((fault) => !followsFrom(fault));
}

/** @throws EngineError `permanent` with all that is wrong with the files */
export async function requirePublicCertificate(
  shell: HostShell, files: PublicCertificateFiles, publicHost: string | null,
): Promise<PublicCertificate> {
  const { fit, faults } = await inspectPublicCertificate(shell, files, publicHost);
  if (fit) return fit;
  throw new EngineError(
    'permanent',
    ['the public certificate cannot be used:', ...faults.map((fault) => `  ${fault}`)].join('\n'),
    'mend the files, or go on with the fleet\'s own certificates: --public-certificate none',
  );
}

/**
 * Takes a certificate over: from here on it is what instances and poolers are given. Before that, sessions inside the fleet
 * learn to trust it beside the one that servers still present. Answers whether it is another one than before.
 */
export async function acceptPublicCertificate(
  shell: HostShell, fleet: FleetDescription, { pair, names, authority }: PublicCertificate, vault: SecretVault,
): Promise<boolean> {
  const before = await readAccepted(shell);
  if (before?.certificate === pair.certificate && (await acceptedPair(shell, fleet, vault))?.key === pair.key) {
    await writeAnchors(shell, fleet);
    return false;
  }
  const trusted = trustedAfter(before, { authority, names });
  const sameTrust = before !== undefined && JSON.stringify(trusted) === JSON.stringify(before.trusted);
  const anchors = sameTrust
    ? before.anchors
    : (await Promise.all(trusted.map((one) => constrainAuthority(one.authority, one.names)))).join('');
  await addAnchors(shell, fleet, anchors);
  const accepted: Accepted = {
    certificate: pair.certificate,
    key: vault.seal(pair.key, ownerOf(fleet)).toString('base64'),
    names: [...names],
    authority,
    anchors,
    trusted,
  };
  await shell.ensureDirectory(publicCertificateDirectory(shell.root), 0o700);
  await shell.write({ path: acceptedPath(shell.root), content: JSON.stringify(accepted), mode: 0o600 });
  return true;
}

/** The same authority for the names of both, for OpenSSL takes one of two that have the same name; the one before, if it is another. */
function trustedAfter(
  before: Accepted | undefined, now: { readonly authority: string; readonly names: readonly string[] },
): Accepted['trusted'] {
  const old = before === undefined ? [] : [{ authority: before.authority, names: before.names }];
  const same = old.find(({ authority }) => authority === now.authority);
  const isCovered =
    same !== undefined
    && before?.trusted.some(({ authority, names }) => authority === now.authority && now.names.every((name) => names.includes(name)));
  if (isCovered) return before?.trusted ?? [];
  return [
    { authority: now.authority, names: [...new Set([...now.names, ...(same?.names ?? [])])].sort() }, ...old.filter((one) => one !== same),
  ];
}

/** Seals the key that was taken over last anew; answers whether there was one to do. */
export async function resealPublicKey(
  shell: HostShell, fleet: FleetDescription, vault: { reseal(sealed: Buffer, belongsTo: string): Buffer | undefined },
): Promise<boolean> {
  const accepted = await readAccepted(shell);
  const key = accepted && vault.reseal(Buffer.from(accepted.key, 'base64'), ownerOf(fleet));
  if (!key) return false;
  await shell.write({ path: acceptedPath(shell.root), content: JSON.stringify({ ...accepted, key: key.toString('base64') }), mode: 0o600 });
  return true;
}

/** The certificate and key that were taken over last; undefined if there are none, or they were sealed under another master key. */
export async function acceptedPair(shell: HostShell, fleet: FleetDescription, vault: SecretVault): Promise<KeyPairPem | undefined> {
  const accepted = await readAccepted(shell);
  if (!accepted) return undefined;
  try {
    return { certificate: accepted.certificate, key: vault.unseal(Buffer.from(accepted.key, 'base64'), ownerOf(fleet)).toString('utf8') };
  } catch {
    return undefined;
  }
}

async function readAccepted(shell: HostShell): Promise<Accepted | undefined> {
  const text = await shell.read(acceptedPath(shell.root));
  return text === undefined ? undefined : acceptedSchema.parse(JSON.parse(text));
}

/** Puts the anchors that were made already where a region has none yet. */
async function writeAnchors(shell: HostShell, fleet: FleetDescription): Promise<void> {
  const accepted = await readAccepted(shell);
  if (accepted) await addAnchors(shell, fleet, accepted.anchors);
}

/** Each region's file of authorities begins with its own. */
async function addAnchors(shell: HostShell, { regions }: FleetDescription, anchors: string): Promise<void> {
  for (const { id } of regions) {
    const path = authorityCertificatePath(shell.root, id);
    const found = await shell.read(path);
    if (found === undefined) continue;
    const content = ownAuthority(found) + anchors;
    if (content !== found) await shell.write({ path, content, mode: 0o644 });
  }
}

const END = '-----END CERTIFICATE-----\n';

/** The region's own authority in the file of those by which its servers are verified. */
export const ownAuthority = (authorities: string): string => authorities.slice(0, authorities.indexOf(END) + END.length);
