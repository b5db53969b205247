import { randomBytes } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { type AuditRecord, AuditSeals, hashOfLink, NO_HASH } from '../../../src/changes/audit/audit-record.js';
import { CHAINED_UNTIL, ChainJudge, type FoundLink } from '../../../src/changes/audit/judge-chain.js';
import { Vault } from '../../../src/secrets/vault.js';

const seals = new AuditSeals(new Vault(randomBytes(32)));
const strangers = new AuditSeals(new Vault(randomBytes(32)));

const record = (n: number, more: Partial<AuditRecord> = {}): AuditRecord => ({
  id: `aud_${n}`, at: '2026-11-24T10:00:00.000000Z', actor: 'key_1', action: 'database.create', result: 'done', subjectId: `db_${n}`, customerId: 'cus_1',
  operationId: null, requestId: null, address: null, detail: { name: 'shop', nested: { b: 1, a: [n] } }, ...more,
});

/** A chain of these records, as the keeper writes it. */
function chainOf(records: readonly AuditRecord[], sealed = seals): FoundLink[] {
  let hash = NO_HASH;
  return records.map((one, index) => {
    const place = { sequence: index + 1, chainedAt: '2026-11-24T10:00:01.000Z', seal: sealed.sealOf(one) };
    hash = hashOfLink(hash, place, one);
    return { ...place, hash, eventId: one.id, record: one };
  });
}

const five = (): FoundLink[] => chainOf([1, 2, 3, 4, 5].map((n) => record(n)));

function judge(links: readonly FoundLink[], head = links.at(-1)!): ChainJudge {
  const made = new ChainJudge((one, seal) => seals.isGenuine(one, seal));
  for (const link of links) made.take(link);
  made.end({ sequence: head.sequence, hash: head.hash });
  return made;
}

const kindsOf = ({ findings }: ChainJudge): string[] => findings.map(({ kind, sequence }) => `${kind} ${sequence}`);
const with3 = (change: Partial<FoundLink>): FoundLink[] => five().map((link) => (link.sequence === 3 ? { ...link, ...change } : link));

describe('a chain', () => {
  it('fits as it was written, however the members of its details are laid out', () => {
    const laidOut = five().map((link) => ({ ...link, record: { ...link.record!, detail: { nested: { a: (link.record!.detail.nested as { a: unknown }).a, b: 1 }, name: 'shop' } } }));
    expect(kindsOf(judge(laidOut))).toEqual([]);
    expect(judge([], { sequence: 0, hash: NO_HASH } as FoundLink).findings).toEqual([]);
  });

  it.each<[string, Partial<AuditRecord>]>([
    ['who', { actor: 'key_2' }], ['what', { action: 'database.delete' }], ['the result', { result: 'refused' }], ['on what', { subjectId: null }],
    ['from where', { address: '10.0.0.1' }], ['when', { at: '2026-11-24T09:00:00.000000Z' }], ['the detail', { detail: { name: 'shop', nested: { b: 1, a: ['3'] } } }],
  ])('shows that an entry was changed: %s', (_what, change) => {
    expect(kindsOf(judge(with3({ record: record(3, change) })))).toEqual(['changed 3']);
  });

  it('shows that an entry is gone, with and without its place', () => {
    expect(kindsOf(judge(with3({ record: undefined })))).toEqual(['removed 3']);
    expect(kindsOf(judge(five().filter(({ sequence }) => sequence !== 3)))).toContain('removed 3');
  });

  it('shows that two entries have changed places', () => {
    const links = five();
    const [second, third] = [links[1]!, links[2]!];
    const swapped = [links[0]!, { ...third, sequence: 2 }, { ...second, sequence: 3 }, links[3]!, links[4]!];
    expect(kindsOf(judge(swapped)).filter((kind) => !kind.startsWith('reordered'))).toEqual([]);
    expect(kindsOf(judge(swapped))).toEqual(expect.arrayContaining(['reordered 2', 'reordered 3']));
  });

  it('shows an entry that the control plane did not write, also in a chain that was written anew around it', () => {
    const genuine = [1, 2, 4, 5].map((n) => record(n));
    const forged = record(3, { actor: 'key_innocent' });
    let hash = NO_HASH;
    const links = [...genuine.slice(0, 2), forged, ...genuine.slice(2)].map((one, index): FoundLink => {
      const seal = (one === forged ? strangers : seals).sealOf(one);
      const place = { sequence: index + 1, chainedAt: '2026-11-24T10:00:01.000Z', seal };
      hash = hashOfLink(hash, place, one);
      return { ...place, hash, eventId: one.id, record: one };
    });
    expect(kindsOf(judge(links))).toEqual(['inserted 3']);
  });

  it('takes entries without a seal only before all others: they are of before there were seals', () => {
    let hash = NO_HASH;
    const chain = (sealed: readonly boolean[]): FoundLink[] => sealed.map((isSealed, index) => {
      const one = record(index + 1);
      const place = { sequence: index + 1, chainedAt: '2026-11-24T10:00:01.000Z', seal: isSealed ? seals.sealOf(one) : null };
      hash = hashOfLink(index === 0 ? NO_HASH : hash, place, one);
      return { ...place, hash, eventId: one.id, record: one };
    });
    expect(kindsOf(judge(chain([false, false, true, true])))).toEqual([]);
    expect(kindsOf(judge(chain([false, true, false, true])))).toEqual(['inserted 3']);
    expect(kindsOf(judge(chain([true, false])))).toEqual(['inserted 2']);
  });

  it('shows that its end was cut off, or goes on by itself', () => {
    const links = five();
    expect(kindsOf(judge(links.slice(0, 3), links[4]))).toEqual(['truncated 4']);
    expect(kindsOf(judge(links, links[3]))).toEqual(['inserted 5']);
  });

  it('tells the first findings and counts the others', () => {
    const made = judge(chainOf(Array.from({ length: 200 }, (_, n) => record(n))).map((link) => ({ ...link, record: undefined })));
    expect(made.count).toBe(200);
    expect(made.findings).toHaveLength(50);
  });
});

describe('a published hash', () => {
  const at = new Date('2026-11-24T10:05:00Z');
  const anchorOf = ({ sequence, hash }: FoundLink) => ({ sequence, hash: hash.toString('hex'), at });

  it('shows that a chain was written anew, or cut off with all that says how long it was', () => {
    const was = five();
    const anew = chainOf([1, 2, 4, 5].map((n) => record(n)));
    const made = judge(anew);
    expect(kindsOf(made)).toEqual([]);
    expect(made.compare(anchorOf(was[1]!), anew[1]!.hash.toString('hex'))).toBe('kept');
    expect(made.compare(anchorOf(was[2]!), anew[2]!.hash.toString('hex'))).toBe('broken');
    expect(made.compare(anchorOf(was[4]!), undefined)).toBe('broken');
    expect(kindsOf(made)).toEqual(['rewritten 3', 'truncated 5']);
  });

  it('is taken back by a restore of the metadata that is in the chain, only from where that began, and by no forged one', () => {
    const was = five();
    const recovered = record(9, { action: 'metadata.recover', at: '2026-11-24T11:00:00.000000Z', detail: { [CHAINED_UNTIL]: 2 } });
    const restored = chainOf([record(1), record(2), recovered, record(6)]);
    const made = judge(restored);
    expect(made.compare(anchorOf(was[2]!), restored[2]!.hash.toString('hex'))).toBe('void');
    expect(made.compare(anchorOf(was[4]!), undefined)).toBe('void');
    expect(made.compare({ ...anchorOf(was[4]!), at: new Date('2026-11-24T12:00:00Z') }, undefined)).toBe('broken');
    expect(made.compare({ ...anchorOf(was[1]!), hash: 'f'.repeat(64) }, restored[1]!.hash.toString('hex'))).toBe('broken');
    const forged = judge(restored.map((link) => (link.record === recovered ? { ...link, seal: strangers.sealOf(recovered) } : link)));
    expect(forged.compare(anchorOf(was[4]!), undefined)).toBe('broken');
  });
});
