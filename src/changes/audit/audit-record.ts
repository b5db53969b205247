import { createHash, createHmac } from 'node:crypto';
import type { Vault } from '../../secrets/vault.js';

/** An entry of the audit, as it is written once and for all. */
export interface AuditRecord {
  readonly id: string;
  /** RFC 3339 in UTC, to the microsecond. */
  readonly at: string;
  readonly actor: string;
  readonly action: string;
  readonly result: 'done' | 'refused';
  readonly subjectId: string | null;
  readonly customerId: string | null;
  readonly operationId: string | null;
  readonly requestId: string | null;
  readonly address: string | null;
  readonly detail: Readonly<Record<string, unknown>>;
}

/** An entry's place in the chain; its hash holds the one before it, and so everything before. */
export interface ChainLink {
  readonly sequence: number;
  /** RFC 3339 in UTC, to the millisecond. */
  readonly chainedAt: string;
  /** The entry's seal; null for an entry of before there were seals. */
  readonly seal: Buffer | null;
}

/** What the first entry follows. */
export const NO_HASH: Buffer = Buffer.alloc(32);

/** The content of an entry as text, the same however its members are laid out. */
export function canonicalText({ id, at, actor, action, result, ...more }: AuditRecord): string {
  const { subjectId, customerId, operationId, requestId, address, detail } = more;
  return JSON.stringify([id, at, actor, action, result, subjectId, customerId, operationId, requestId, address, sortMembers(detail)]);
}

/** The hash of an entry in its place: SHA-256 over the hash before it, its place, its seal and its content. */
export function hashOfLink(previous: Buffer, { sequence, chainedAt, seal }: ChainLink, record: AuditRecord): Buffer {
  const place = JSON.stringify([sequence, chainedAt, seal?.toString('hex') ?? null]);
  return createHash('sha256').update(previous).update(place).update(canonicalText(record)).digest();
}

/**
 * Seals entries with a key that only the control plane's processes have: who can write to the metadata database can forge a
 * hash, and no seal.
 */
export class AuditSeals {
  private readonly key: string;

  constructor(vault: Vault) {
    this.key = vault.derive('audit');
  }

  sealOf(record: AuditRecord): Buffer {
    return createHmac('sha256', this.key).update(canonicalText(record)).digest();
  }

  /** Whether the entry is as it was when the control plane wrote it. */
  isGenuine(record: AuditRecord, seal: Buffer): boolean {
    return this.sealOf(record).equals(seal);
  }
}

function sortMembers(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(sortMembers);
  if (typeof value !== 'object' || value === null) return value;
  const members = Object.entries(value).sort(([a], [b]) => (a < b ? -1 : 1));
  return Object.fromEntries(members.map(([name, inner]) => [name, sortMembers(inner)]));
}
