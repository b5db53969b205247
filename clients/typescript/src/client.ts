import type { components, paths } from './api-types.js';
import { type FollowOptions, followOperation, type Operation, OperationFailedError } from './follow-operation.js';
import type { Download } from './download.js';
import { Transport, type TransportOptions } from './transport.js';

export { OperationFailedError, hasEnded, type FollowOptions, type Operation } from './follow-operation.js';
export type { Download, DownloadDigest } from './download.js';
export { type Problem, ProblemError, UnreachableError } from './problem-error.js';
export type { TransportOptions as ClientOptions } from './transport.js';
export type { components, paths } from './api-types.js';

type Schemas = components['schemas'];
export type Customer = Schemas['Customer'];
export type Database = Schemas['Database'];
export type Credentials = Schemas['Credentials'];
export type NewDatabaseAnswer = Schemas['NewDatabaseAnswer'];
export type DatabaseOperationAnswer = Schemas['DatabaseOperationAnswer'];
export type Instance = Database['instances'][number];
export type Region = Schemas['Region'];
export type Host = Schemas['Host'];
export type Plan = Schemas['Plan'];
export type Alert = Schemas['Alert'];
export type AuditEvent = Schemas['AuditEvent'];
export type AuditVerification = Schemas['AuditVerification'];
export type Uptime = Schemas['Uptime'];
export type Outage = Schemas['Outage'];
export type Extension = Schemas['Extension'];
export type Role = Schemas['Role'];
export type OperationStep = Operation['steps'][number];
export type MaintenanceWindow = Schemas['MaintenanceWindow'];
export type MovePlan = Schemas['MovePlanAnswer']['plan'];
export type ApiKey = Schemas['ApiKey'];
export type NewApiKey = Schemas['NewApiKey'];
export type User = Schemas['User'];
export type UserPassword = Schemas['UserPassword'];
export type Invitation = Schemas['Invitation'];

type Method = 'get' | 'post' | 'put' | 'delete';

/** The addresses that take a method. */
export type PathOf<M extends Method> = { [P in keyof paths]: paths[P][M] extends { responses: unknown } ? P : never }[keyof paths];

type Content<T> = T extends { content: Record<string, infer Body> } ? Body : undefined;

/** What a method of an address answers when all is well. */
export type AnswerOf<M extends Method, P extends PathOf<M>> =
  paths[P][M] extends { responses: infer R } ? Content<R[Extract<keyof R, 200 | 201 | 202 | 204>]> : never;

/** The body that a method of an address takes. */
export type BodyOf<M extends Method, P extends PathOf<M>> =
  paths[P][M] extends { requestBody?: infer R } ? Content<NonNullable<R>> : undefined;

type ParameterOf<M extends Method, P extends PathOf<M>, Where extends 'path' | 'query'> = paths[P][M] extends { parameters: infer All }
  ? Where extends keyof All
    ? NonNullable<All[Where]>
    : Record<string, never>
  : Record<string, never>;

export interface CallOptions<M extends Method, P extends PathOf<M>> {
  readonly path?: ParameterOf<M, P, 'path'>;
  readonly query?: ParameterOf<M, P, 'query'>;
  readonly body?: BodyOf<M, P>;
  /** Drawn anew for each POST if it is left out; give one that you keep to be safe also when your own program dies. */
  readonly idempotencyKey?: string;
  readonly signal?: AbortSignal;
}

export interface Repeatable {
  /** Drawn anew if it is left out; give one that you keep to be safe also when your own program dies. */
  readonly idempotencyKey?: string;
}

/** A customer's or a program's way to the API of Freehold. */
export class FreeholdClient {
  private readonly transport: Transport;

  constructor(options: TransportOptions) {
    this.transport = new Transport(options);
  }

  /**
   * Calls any method of any address of the document, typed by it.
   *
   * @throws ProblemError for an answer that is a problem, UnreachableError if there is none
   */
  async call<M extends Method, P extends PathOf<M>>(method: M, path: P, options: CallOptions<M, P> = {}): Promise<AnswerOf<M, P>> {
    const answer = await this.transport.json({
      method: method.toUpperCase(), path: fill(path, options.path), query: options.query,
      body: options.body, idempotencyKey: options.idempotencyKey, signal: options.signal,
    });
    return answer as AnswerOf<M, P>;
  }

  /** Every item of a list, page by page. */
  async *list<P extends PathOf<'get'>>(path: P, options: CallOptions<'get', P> = {}): AsyncGenerator<ItemOf<AnswerOf<'get', P>>> {
    let cursor: string | null | undefined;
    do {
      const query = { limit: 100, ...options.query, ...(cursor && { cursor }) } as unknown as ParameterOf<'get', P, 'query'>;
      const answer: unknown = await this.call('get', path, { ...options, query });
      const page = answer as { data: ItemOf<AnswerOf<'get', P>>[]; nextCursor: string | null };
      yield* page.data;
      cursor = page.nextCursor;
    } while (cursor);
  }

  createCustomer(body: BodyOf<'post', '/v1/customers'>, options: Repeatable = {}): Promise<Customer> {
    return this.call('post', '/v1/customers', { body, ...options });
  }

  createApiKey(
    customerId: string, body: BodyOf<'post', '/v1/customers/{customerId}/api-keys'>, options: Repeatable = {},
  ): Promise<NewApiKey> {
    return this.call('post', '/v1/customers/{customerId}/api-keys', { path: { customerId }, body, ...options });
  }

  /** Asks for a database. Its credentials work once the operation has succeeded: see {@link finish}. */
  createDatabase(body: BodyOf<'post', '/v1/databases'>, options: Repeatable = {}): Promise<NewDatabaseAnswer> {
    return this.call('post', '/v1/databases', { body, ...options });
  }

  getDatabase(id: string): Promise<Database> {
    return this.call('get', '/v1/databases/{id}', { path: { id } });
  }

  /** Deletes a database once a backup holds all of it, so that it can be brought back; or at once, without one. */
  deleteDatabase(id: string, { withoutBackup = false }: { readonly withoutBackup?: boolean } = {}): Promise<DatabaseOperationAnswer> {
    return this.call('delete', '/v1/databases/{id}', { path: { id }, query: { withoutBackup: withoutBackup ? 'true' : 'false' } });
  }

  /** With an overlap the present password stays valid for so many hours, beside the new one and its own user. */
  rotatePassword(id: string, { overlapHours = 0, ...options }: Repeatable & { readonly overlapHours?: number } = {}): Promise<Credentials> {
    return this.call('post', '/v1/databases/{id}/password', { path: { id }, body: { overlapHours }, ...options });
  }

  /** The CA that signs the server certificates of a region, PEM: what `sslrootcert` points to. */
  regionCertificate(regionId: string): Promise<string> {
    return this.transport.text({ method: 'GET', path: fill('/v1/regions/{id}/ca.pem', { id: regionId }) });
  }

  /**
   * A dump of the live data, for pg_restore: of the endpoint's database, or of another one of its instance; one that breaks
   * off, or whose digest is another one, ends with an error.
   */
  dump(databaseId: string, signal?: AbortSignal, database?: string): Promise<Download> {
    return this.transport.download({
      path: fill('/v1/databases/{id}/dump', { id: databaseId }),
      query: { database },
      headers: { accept: 'application/octet-stream' },
      signal,
    });
  }

  /** The audit, a line each, oldest first; one that breaks off ends with an error. */
  exportAuditEvents(
    query: ParameterOf<'get', '/v1/audit-events/export', 'query'> = {}, signal?: AbortSignal,
  ): Promise<ReadableStream<Uint8Array>> {
    return this.transport.open({ method: 'GET', path: '/v1/audit-events/export', query, headers: { accept: '*/*' }, signal });
  }

  /** Follows an operation until it has ended, whichever way; resumes by itself when the connection breaks. */
  followOperation(id: string, options: FollowOptions = {}): Promise<Operation> {
    return followOperation(this.transport, id, options);
  }

  /**
   * Follows an operation until it has succeeded.
   *
   * @throws OperationFailedError if it ends otherwise
   */
  async finish(id: string, options: FollowOptions = {}): Promise<Operation> {
    const operation = await this.followOperation(id, options);
    if (operation.state !== 'succeeded') throw new OperationFailedError(operation);
    return operation;
  }
}

/** What a list is a list of. */
export type ItemOf<Page> = Page extends { data: readonly (infer Item)[] } ? Item : never;

function fill(path: string, parameters: Readonly<Record<string, unknown>> = {}): string {
  return path.replace(/\{(\w+)\}/g, (_, name: string) => {
    const value = parameters[name];
    if (value === undefined) throw new TypeError(`${path} needs the parameter "${name}"`);
    return encodeURIComponent(String(value));
  });
}
