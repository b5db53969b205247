import type { EntityManager } from 'typeorm';
import type { Metadata } from '../../metadata/metadata.js';
import { queryRows } from '../../metadata/query-rows.js';
import { type Anchor, type AnchorFile, parseAnchor } from './anchors.js';
import { type AuditRecord, type AuditSeals, NO_HASH } from './audit-record.js';
import { type ChainHead, ChainJudge, type Finding, type FoundLink } from './judge-chain.js';

/** What a verification of the whole audit found. */
export interface AuditVerification {
  readonly valid: boolean;
  /** Entries of the chain. */
  readonly entries: number;
  /** Entries that have no place in it yet. */
  readonly waiting: number;
  /** The chain's last hash, hexadecimal; to be kept elsewhere and compared with later. */
  readonly hash: string;
  readonly anchors: {
    /** Published hashes that are the chain's. */
    readonly kept: number;
    /** Those that a restore of the metadata from a backup has taken back. */
    readonly void: number;
    /** Lines of the file that are none. */
    readonly unreadable: number;
  };
  /** The first of them. */
  readonly findings: readonly Finding[];
  readonly findingsInAll: number;
}

export interface VerificationOptions {
  readonly metadata: Metadata;
  readonly seals: AuditSeals;
  readonly file: AnchorFile;
  /** Hashes that somebody has kept elsewhere. */
  readonly given?: readonly Anchor[];
}

/** How many entries, or published hashes, are held at a time. */
const AT_ONCE = 1_000;
/** Entries without a place that are told one by one. */
const STRAYS_TOLD = 50;

/** Reads the whole audit, in bounded memory, and compares its chain with what was published. */
export async function verifyChain({ metadata, seals, file, given = [] }: VerificationOptions): Promise<AuditVerification> {
  // Before the chain is looked at: what is published later it need not hold.
  const lines = await file.lines();
  return metadata.dataSource.transaction('REPEATABLE READ', async (tx) => {
    const head = await readHead(tx);
    const judge = new ChainJudge((record, seal) => seals.isGenuine(record, seal));
    for await (const link of readChain(tx)) judge.take(link);
    judge.end(head);
    await noteStrays(tx, judge);
    const anchors = { kept: 0, void: 0, broken: 0, unreadable: 0 };
    for await (const batch of inBatches(readAnchors(lines, given))) {
      const hashes = await readHashes(tx, batch);
      for (const anchor of batch) anchors[anchor === undefined ? 'unreadable' : judge.compare(anchor, hashes.get(anchor.sequence))] += 1;
    }
    const [waiting] = await queryRows<{ count: number }>(tx, 'SELECT count(*)::integer AS count FROM audit_chain WHERE sequence IS NULL');
    return {
      valid: judge.count === 0, entries: judge.length, waiting: waiting?.count ?? 0, hash: judge.hash.toString('hex'),
      anchors: { kept: anchors.kept, void: anchors.void, unreadable: anchors.unreadable },
      findings: judge.findings, findingsInAll: judge.count,
    };
  });
}

async function readHead(tx: EntityManager): Promise<ChainHead> {
  const [head] = await queryRows<{ sequence: string; hash: Buffer }>(tx, 'SELECT sequence, hash FROM audit_chain_head');
  // Without it, every entry of the chain is one too many.
  return head ? { sequence: Number(head.sequence), hash: head.hash } : { sequence: 0, hash: NO_HASH };
}

/** A row of the chain with its entry, of which all columns are null if it is gone. */
export type LinkRow = Omit<AuditRecord, 'id' | 'at'> & {
  readonly id: string | null;
  readonly at: string;
  readonly sequence: string;
  readonly chainedAt: Date;
  readonly seal: Buffer | null;
  readonly hash: Buffer;
  readonly eventId: string;
};

/** The columns of an entry, as they are sealed. */
export const RECORD_COLUMNS = `
  e.id, to_char(e.at AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"') AS at, e.actor, e.action, e.result,
  e.subject_id AS "subjectId", e.customer_id AS "customerId", e.operation_id AS "operationId", e.request_id AS "requestId",
  e.address, e.detail`;

async function* readChain(tx: EntityManager): AsyncGenerator<FoundLink> {
  let after = 0;
  for (;;) {
    const rows = await queryRows<LinkRow>(tx,
      `SELECT c.event_id AS "eventId", c.sequence, c.chained_at AS "chainedAt", c.seal, c.hash, ${RECORD_COLUMNS}
         FROM audit_chain c LEFT JOIN audit_events e ON e.id = c.event_id
        WHERE c.sequence > $1 ORDER BY c.sequence LIMIT $2`, [after, AT_ONCE]);
    yield* rows.map(toLink);
    if (rows.length < AT_ONCE) return;
    after = Number(rows.at(-1)?.sequence);
  }
}

function toLink({ eventId, sequence, chainedAt, seal, hash, id, ...record }: LinkRow): FoundLink {
  return {
    eventId, sequence: Number(sequence), chainedAt: chainedAt.toISOString(), seal, hash,
    record: id === null ? undefined : { ...record, id },
  };
}

/** Entries that lie beside the chain: it has no place for them, or they are gone before they were given one. */
async function noteStrays(tx: EntityManager, judge: ChainJudge): Promise<void> {
  const inserted = await queryRows<{ id: string }>(tx,
    `SELECT e.id FROM audit_events e WHERE NOT EXISTS (SELECT FROM audit_chain c WHERE c.event_id = e.id) LIMIT $1`, [STRAYS_TOLD]);
  for (const { id } of inserted) judge.note('inserted', null, id, 'the entry has no place in the chain');
  const removed = await queryRows<{ id: string }>(tx,
    `SELECT c.event_id AS id FROM audit_chain c
      WHERE c.sequence IS NULL AND NOT EXISTS (SELECT FROM audit_events e WHERE e.id = c.event_id) LIMIT $1`, [STRAYS_TOLD]);
  for (const { id } of removed) judge.note('removed', null, id, 'the entry is gone, and had no place in the chain yet');
}

async function* readAnchors(lines: AsyncIterable<string>, given: readonly Anchor[]): AsyncGenerator<Anchor | undefined> {
  yield* given;
  for await (const line of lines) if (line !== '') yield parseAnchor(line);
}

async function* inBatches<Item>(items: AsyncIterable<Item>): AsyncGenerator<Item[]> {
  let batch: Item[] = [];
  for await (const item of items) {
    batch.push(item);
    if (batch.length < AT_ONCE) continue;
    yield batch;
    batch = [];
  }
  if (batch.length > 0) yield batch;
}

async function readHashes(tx: EntityManager, anchors: readonly (Anchor | undefined)[]): Promise<ReadonlyMap<number, string>> {
  const sequences = anchors.flatMap((anchor) => (anchor ? [anchor.sequence] : []));
  const rows = await queryRows<{ sequence: string; hash: string }>(
    tx, `SELECT sequence, encode(hash, 'hex') AS hash FROM audit_chain WHERE sequence = ANY($1::bigint[])`, [sequences],
  );
  return new Map(rows.map(({ sequence, hash }) => [Number(sequence), hash]));
}
