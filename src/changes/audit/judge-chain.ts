import type { Anchor } from './anchors.js';
import { type AuditRecord, hashOfLink, NO_HASH } from './audit-record.js';

/** What was done to the audit, as far as it can be told. */
export const TAMPERINGS = ['changed', 'removed', 'inserted', 'reordered', 'rewritten', 'truncated'] as const;
export type Tampering = (typeof TAMPERINGS)[number];

export interface Finding {
  readonly kind: Tampering;
  readonly sequence: number | null;
  readonly eventId: string | null;
  /** For people. */
  readonly detail: string;
}

/** An entry of the chain as it is found. */
export interface FoundLink {
  readonly sequence: number;
  readonly chainedAt: string;
  readonly seal: Buffer | null;
  readonly hash: Buffer;
  readonly eventId: string;
  /** Undefined if there is no such entry any more. */
  readonly record: AuditRecord | undefined;
}

/** The chain's end, as it was noted apart from its entries. */
export interface ChainHead {
  readonly sequence: number;
  readonly hash: Buffer;
}

/** Findings that are told; more are counted. */
const TOLD = 50;
/** The action by which an operator's restore of the metadata is written down, which takes back what came after its backup. */
const RECOVERY = 'metadata.recover';
/** Its detail that says up to which number the backup held the chain. */
export const CHAINED_UNTIL = 'auditChainedUntil';

/** Reads a chain from its first entry to its last, and notes what does not fit. It remembers one entry at a time. */
export class ChainJudge {
  readonly findings: Finding[] = [];
  /** How many there are, also of those that are not told. */
  count = 0;
  private previous = { sequence: 0, hash: NO_HASH };
  /** Restores of the metadata: when, and the number after which other entries follow since. */
  private readonly recoveries: { readonly at: Date; readonly after: number }[] = [];

  /** Whether it has come to an entry with a seal: those of before there were seals are the first ones of a chain. */
  private seals = false;

  constructor(private readonly isGenuine: (record: AuditRecord, seal: Buffer) => boolean) {}

  /** How many entries it has read; they are numbered from 1. */
  get length(): number {
    return this.previous.sequence;
  }

  /** That of the last entry. */
  get hash(): Buffer {
    return this.previous.hash;
  }

  /** Takes the next entry, in the order of their numbers. */
  take(link: FoundLink): void {
    const { sequence, hash } = link;
    const expected = this.previous.sequence + 1;
    if (sequence > expected) {
      this.note('removed', expected, null, `the chain has no entry ${rangeOf(expected, sequence - 1)}`);
    }
    this.check(link);
    this.seals ||= link.seal !== null;
    this.noteRecovery(link);
    this.previous = { sequence, hash };
  }

  /** Compares the chain's end with where it was noted that it ends. */
  end({ sequence, hash }: ChainHead): void {
    const { sequence: last, hash: lastHash } = this.previous;
    if (last < sequence) {
      this.note('truncated', last + 1, null, `the chain ends at ${last} and had reached ${sequence}`);
    } else if (last > sequence) {
      this.note('inserted', sequence + 1, null, `the chain ends at ${last} and had reached only ${sequence}`);
    } else if (!lastHash.equals(hash)) {
      this.note('rewritten', last, null, 'the last entry has another hash than the one that was noted for it');
    }
  }

  /**
   * Compares a published hash with the chain.
   *
   * @param hash the chain's at that place; undefined if it does not reach so far
   * @returns `void` for one that a restore of the metadata has taken back
   */
  compare(anchor: Anchor, hash: string | undefined): 'kept' | 'void' | 'broken' {
    if (hash === anchor.hash) return 'kept';
    if (this.recoveries.some(({ at, after }) => anchor.at !== null && anchor.at < at && anchor.sequence > after)) return 'void';
    const published = anchor.at === null ? '' : `, published at ${anchor.at.toISOString()},`;
    if (hash === undefined) {
      this.note('truncated', anchor.sequence, null, `the chain had reached ${anchor.sequence}${published} and ends at ${this.length}`);
    } else {
      this.note('rewritten', anchor.sequence, null, `the hash of entry ${anchor.sequence}${published} was another one`);
    }
    return 'broken';
  }

  note(kind: Tampering, sequence: number | null, eventId: string | null, detail: string): void {
    this.count += 1;
    if (this.findings.length < TOLD) this.findings.push({ kind, sequence, eventId, detail });
  }

  private check({ sequence, chainedAt, seal, hash, eventId, record }: FoundLink): void {
    if (record === undefined) {
      this.note('removed', sequence, eventId, 'the chain names the entry, and it is gone');
      return;
    }
    const fits = hashOfLink(this.previous.hash, { sequence, chainedAt, seal }, record).equals(hash);
    const isGenuine = seal === null ? undefined : this.isGenuine(record, seal);
    if (seal === null && this.seals) {
      this.note('inserted', sequence, eventId, 'the entry was not written by the control plane: it has no seal');
    } else if (isGenuine === false && fits) {
      this.note('inserted', sequence, eventId, 'the entry was not written by the control plane, or was changed before it was chained');
    } else if (isGenuine === true && !fits) {
      this.note('reordered', sequence, eventId, 'the entry is genuine, and does not follow the one that it was written after');
    } else if (!fits) {
      this.note('changed', sequence, eventId, 'the entry is not what it was when it was written');
    }
  }

  /** A forged one excuses nothing. */
  private noteRecovery({ seal, record }: FoundLink): void {
    if (record?.action !== RECOVERY || seal === null || !this.isGenuine(record, seal)) return;
    const { [CHAINED_UNTIL]: after } = record.detail;
    if (typeof after === 'number') this.recoveries.push({ at: new Date(record.at), after });
  }
}

const rangeOf = (first: number, last: number): string => (first === last ? String(first) : `${first} to ${last}`);
