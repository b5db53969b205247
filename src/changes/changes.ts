import { Inject, Injectable } from '@nestjs/common';
import pLimit from 'p-limit';
import type { EntityManager } from 'typeorm';
import type { Action } from '../access/actions.js';
import { reachOf } from '../access/actor.js';
import { admit, reachFor } from '../access/permission.js';
import { NO_SUBJECT, type Subject } from '../access/subject.js';
import { confine } from '../metadata/confine.js';
import { Metadata } from '../metadata/metadata.js';
import { EVERYTHING, type Reach } from '../metadata/reach.js';
import { DomainError } from '../problems/domain-problem.js';
import { findProblemType, type ProblemSlug } from '../problems/problem-types.js';
import { Vault } from '../secrets/vault.js';
import type { OperationDocument } from '../operations/operation.js';
import { OperationFeed } from '../operations/operation-feed.js';
import { OperationsService } from '../operations/operations.service.js';
import type { Log } from '../telemetry/log.js';
import { LOG } from '../telemetry/log-token.js';
import { AuditTrail } from './audit/audit-trail.js';
import type { Caller } from './caller.js';
import { hashOfChange, KEPT_HOURS, type Repeat, Repeats } from './repeats.js';
import { requireSuccess } from './require-success.js';

/** A change that is asked for. */
export interface Change<Found extends object, Seen = undefined> {
  readonly action: Action;
  readonly subject: Subject<Found>;
  /** What was asked for, by which a change that is asked for again is known. */
  readonly input?: unknown;
  /**
   * What has to be looked at before the transaction, such as a server. A change that was made before is answered again
   * whatever comes of the look.
   */
  readonly look?: (found: Found) => Promise<Seen>;
}

type Attempt<Found extends object> = Pick<Change<Found, unknown>, 'action' | 'subject'>;

/** What the work of a change came to. */
export interface Done<Body> {
  readonly body: Body;
  /** The operation that the change asked for, if any. */
  readonly operation?: OperationDocument | undefined;
  /** Whether the answer waits for that operation's end: what the body promises is true only then. */
  readonly waits?: true;
  /** What was made, and whose it is, where that is not the subject. */
  readonly made?: { readonly id: string; readonly customerId: string | null };
  /** For the audit; never a secret. */
  readonly detail?: Readonly<Record<string, unknown>>;
}

/** What a caller is answered. */
export class Answered<Body> {
  /** @param replayed whether the change was made before, for the same request */
  constructor(readonly body: Body, readonly replayed: boolean) {}
}

/** An answer as it is remembered for those who ask again. */
interface Committed {
  readonly body: unknown;
  readonly operationId?: string | undefined;
  readonly waits?: true | undefined;
}

interface Made extends Committed {
  readonly replayed: boolean;
  /** As it was recorded just now. */
  readonly operation?: OperationDocument | undefined;
}

type Work<Found extends object, Seen, Body> = (tx: EntityManager, found: Found, seen: Seen) => Promise<Done<Body>>;

/**
 * Changes that callers from outside make at once. Each holds a connection, also while it waits for a lock; reads, and what a
 * change itself reads beside its transaction, need others of the pool.
 */
const CHANGES_AT_ONCE = 8;
/** How long a caller is kept waiting for the end of an operation. */
const WAIT_MS = 15_000;

/**
 * The one door for changes (`design.md`, part 3.1), for every kind of actor. In this order: the subject within the actor's
 * reach, permission, idempotency, the work in one transaction that reaches no further than the actor, the audit of what was
 * done and of what was refused, the commit, and the announcement of the operation.
 */
@Injectable()
export class Changes {
  private readonly slots = pLimit(CHANGES_AT_ONCE);
  private readonly repeats: Repeats<Committed>;
  private readonly trail: AuditTrail;

  constructor(
    private readonly metadata: Metadata,
    private readonly operations: OperationsService,
    private readonly feed: OperationFeed,
    vault: Vault,
    @Inject(LOG) private readonly log: Log,
  ) {
    this.repeats = new Repeats(vault);
    this.trail = new AuditTrail(vault);
  }

  /** @throws ProblemError `not-found`, `forbidden`, `idempotency-key-reused`, and what the work throws */
  async change<Found extends object, Body, Seen = undefined>(
    caller: Caller, change: Change<Found, Seen>, work: Work<Found, Seen, Body>,
  ): Promise<Answered<Body>> {
    const found = await this.admit(caller, change);
    const seen = await keep(change.look?.(found));
    const make = (): Promise<Made> => this.make(caller, change, found, (tx) => work(tx, found, seen() as Seen));
    // What acts by itself, a failover first of all, does not wait behind requests.
    const made = await this.noting(
      caller, change, isRefusal, () => (caller.actor.type === 'system' ? make() : this.slots(make)),
    );
    await this.follow(made);
    return new Answered(made.body as Body, made.replayed);
  }

  /**
   * A change within a transaction that the control plane has begun by itself. Its operation is announced by that part once it
   * has committed.
   */
  async join<Found extends object, Body>(
    tx: EntityManager, caller: Caller, change: Change<Found>, work: (tx: EntityManager, found: Found) => Promise<Done<Body>>,
  ): Promise<Done<Body>> {
    const found = await admit(caller.actor, change.action, change.subject);
    return this.do(tx, caller, change, found, (inner) => work(inner, found));
  }

  /** Takes an action of which nothing is recorded but that it was taken, such as a dump. */
  async note<Found extends object>(
    caller: Caller, change: Change<Found>, found: Found, detail: Readonly<Record<string, unknown>> = {},
  ): Promise<void> {
    await this.metadata.transaction((tx) => this.do(tx, caller, change, found, () => Promise.resolve({ body: undefined, detail })));
  }

  /** Writes down what was refused before it was known who asks, such as a sign-in. */
  async noteRefused(
    caller: Caller, refused: { readonly action: Action; readonly subjectId: string | null; readonly customerId: string | null },
    problem: ProblemSlug,
  ): Promise<void> {
    await this.metadata.transaction((tx) => this.trail.write(tx, caller, { ...refused, result: 'refused', detail: { problem } }));
  }

  /** The subject of an action that the actor may take; an attempt at an action that it may not take is written down. */
  admit<Found extends object>(caller: Caller, { action, subject }: Attempt<Found>): Promise<Found> {
    return this.noting(caller, { action, subject }, () => true, () => admit(caller.actor, action, subject));
  }

  /**
   * The subject of a read. A reader who may not is written down; one who asks for what is not there, or cannot be seen, is not:
   * programs ask for what was deleted again and again.
   */
  admitReader<Found extends object>(caller: Caller, action: Action, subject: Subject<Found>): Promise<Found> {
    return this.noting(caller, { action, subject }, isForbidden, () => admit(caller.actor, action, subject));
  }

  /** How far a caller sees that reads all that it can see, such as a list; one who may not is written down. */
  reachFor(caller: Caller, action: Action): Promise<Reach> {
    return this.noting(
      caller, { action, subject: NO_SUBJECT }, isForbidden, () => Promise.resolve().then(() => reachFor(caller.actor, action)),
    );
  }

  /** Forgets the answers that are no longer owed to anybody. */
  async forgetOld(): Promise<void> {
    await this.metadata.dataSource.query(
      'DELETE FROM idempotency_records WHERE created_at < now() - make_interval(hours => $1)', [KEPT_HOURS],
    );
  }

  private make<Found extends object>(
    caller: Caller, change: Change<Found, unknown>, found: Found, work: (tx: EntityManager) => Promise<Done<unknown>>,
  ): Promise<Made> {
    const repeat = repeatOf(caller, change);
    return this.metadata.transaction(async (tx) => {
      const known = repeat && (await this.repeats.recall(tx, repeat));
      if (known) return { ...known, replayed: true };
      const { body, operation, waits } = await this.do(tx, caller, change, found, work);
      const answer = { body, operationId: operation?.id, waits };
      if (repeat) await this.repeats.remember(tx, repeat, answer);
      return { ...answer, replayed: false, operation };
    });
  }

  private async do<Found extends object, Body>(
    tx: EntityManager, caller: Caller, { action, subject }: Change<Found, unknown>, found: Found,
    work: (tx: EntityManager) => Promise<Done<Body>>,
  ): Promise<Done<Body>> {
    const done = await confine(tx, reachOf(caller.actor), () => work(tx));
    const made = done.made ?? { id: subject.id, customerId: subject.ownerOf?.(found) ?? null };
    await this.trail.write(tx, caller, {
      action, result: 'done', subjectId: made.id, customerId: made.customerId, operationId: done.operation?.id, detail: done.detail ?? {},
    });
    return done;
  }

  /** Writes down the refusals that the work ends with. */
  private async noting<Found extends object, Result>(
    caller: Caller, { action, subject }: Attempt<Found>, isNoted: (refusal: DomainError) => boolean, work: () => Promise<Result>,
  ): Promise<Result> {
    try {
      return await work();
    } catch (error) {
      if (error instanceof DomainError && isNoted(error)) {
        await this.noteRefusal(caller, action, subject, error)
          .catch((failure: unknown) => this.log.error({ err: failure, action }, 'a refusal could not be written down'));
      }
      throw error;
    }
  }

  /** Of a subject that the actor cannot see, its owner does not learn either: the actor may have guessed its id. */
  private async noteRefusal<Found extends object>(
    caller: Caller, action: Action, subject: Subject<Found>, { problem }: DomainError,
  ): Promise<void> {
    const isSeen = findProblemType(problem)?.status === 403;
    const found = isSeen && subject.ownerOf ? await subject.find(EVERYTHING) : undefined;
    await this.metadata.transaction((tx) => this.trail.write(tx, caller, {
      action, result: 'refused', subjectId: subject.id, customerId: (found && subject.ownerOf?.(found)) ?? null, detail: { problem },
    }));
  }

  /** Wakes a worker for an operation that is committed, and waits for its end if its answer is to be true. */
  private async follow({ operationId, operation: recorded, waits }: Made): Promise<void> {
    if (operationId === undefined) return;
    const operation = recorded ?? (await this.operations.find(EVERYTHING, operationId));
    if (!operation) return;
    if (operation.finishedAt === null) await this.operations.announce(operation);
    if (waits) requireSuccess(await this.waitForEnd(operationId));
  }

  /** The operation once it has ended, or as it is when the time is over. */
  private async waitForEnd(id: string): Promise<OperationDocument | undefined> {
    let operation: OperationDocument | undefined;
    for await (const _ of this.feed.watch(id, AbortSignal.timeout(WAIT_MS))) {
      operation = await this.operations.find(EVERYTHING, id);
      if (!operation || operation.finishedAt !== null) break;
    }
    return operation;
  }
}

const isForbidden = ({ problem }: DomainError): boolean => problem === 'forbidden';

/** Whether an error says that the actor may not do that, or not with this, and not that it cannot be done now. */
const isRefusal = ({ problem }: DomainError): boolean => [403, 404].includes(findProblemType(problem)?.status ?? 0);

/** Keeps what a look found, or threw, until it is asked for. */
async function keep<Seen>(look: Promise<Seen> | undefined): Promise<() => Seen | undefined> {
  const [settled] = await Promise.allSettled([look]);
  return () => {
    if (settled.status === 'rejected') throw settled.reason;
    return settled.value;
  };
}

function repeatOf<Found extends object>(
  { actor, idempotencyKey: key }: Caller, { action, subject, input }: Change<Found, unknown>,
): Repeat | undefined {
  if (key === undefined) return undefined;
  return { credentialId: actor.id, key, hash: hashOfChange(action, subject.id, input) };
}
