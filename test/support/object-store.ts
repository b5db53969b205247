import { createServer, type Server } from 'node:https';
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';

import { CertificateAuthority, createAuthority } from '../../src/engine/local/fleet/certificates.js';

/** As much of S3 as pgBackRest speaks, in memory, over TLS; it believes every signature. */
export class ObjectStore {
  readonly objects = new Map<string, Buffer>();
  /** While it is down it answers with an error. */
  down = false;
  /** How long it takes for each answer. */
  delayMs = 0;
  private readonly parts = new Map<string, Buffer[]>();

  private constructor(
    private readonly server: Server,
    /** PEM. */
    readonly authority: string,
  ) {}

  static async start(): Promise<ObjectStore> {
    const authority = await createAuthority('object store');
    const pair = await (await CertificateAuthority.load(authority)).issue('localhost', ['localhost']);
    const server = createServer({ key: pair.key, cert: pair.certificate });
    const store = new ObjectStore(server, authority.certificate);
    server.on('request', (request: IncomingMessage, response: ServerResponse) => void store.serve(request, response));
    // By the name, as pgBackRest comes to it: its older versions try the first address of a name alone, which may be ::1.
    await new Promise<void>((resolve) => server.listen(0, 'localhost', resolve));
    return store;
  }

  get port(): number {
    return (this.server.address() as AddressInfo).port;
  }

  async stop(): Promise<void> {
    this.server.closeAllConnections();
    await new Promise((resolve) => this.server.close(resolve));
  }

  private async serve(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const chunks: Buffer[] = [];
    for await (const chunk of request) chunks.push(chunk as Buffer);
    if (this.delayMs > 0) await new Promise((resolve) => setTimeout(resolve, this.delayMs));
    const { status, body } = this.down ? { status: 403, body: '<Error><Code>AccessDenied</Code></Error>' } : this.answer(request, Buffer.concat(chunks));
    const content = Buffer.from(body);
    response.writeHead(status, { 'content-length': content.length, 'last-modified': new Date().toUTCString(), etag: '"1"' });
    response.end(request.method === 'HEAD' ? undefined : content);
  }

  private answer({ method, url = '' }: IncomingMessage, body: Buffer): { status: number; body: string | Buffer } {
    const { pathname, searchParams: query } = new URL(url, 'https://localhost');
    const key = decodeURIComponent(pathname);
    if (method === 'POST' && query.has('uploads')) {
      this.parts.set(key, []);
      return ok(`<InitiateMultipartUploadResult><UploadId>1</UploadId></InitiateMultipartUploadResult>`);
    }
    if (method === 'PUT' && query.has('partNumber')) {
      this.parts.get(key)![Number(query.get('partNumber')) - 1] = body;
      return ok('');
    }
    if (method === 'POST' && query.has('uploadId')) {
      this.objects.set(key, Buffer.concat(this.parts.get(key)!));
      return ok('<CompleteMultipartUploadResult><ETag>1</ETag></CompleteMultipartUploadResult>');
    }
    if (method === 'POST' && query.has('delete')) {
      for (const [, name] of body.toString().matchAll(/<Key>([^<]+)<\/Key>/g)) this.objects.delete(`${key.replace(/\/$/, '')}/${name!}`);
      return ok('<DeleteResult></DeleteResult>');
    }
    if (method === 'PUT') {
      this.objects.set(key, body);
      return ok('');
    }
    if (method === 'DELETE') {
      this.objects.delete(key);
      return { status: 204, body: '' };
    }
    if (query.has('list-type')) return ok(this.listing(key.replace(/\/$/, ''), query.get('prefix') ?? '', query.get('delimiter')));
    const found = this.objects.get(key);
    return found ? { status: 200, body: found } : { status: 404, body: '<Error><Code>NoSuchKey</Code></Error>' };
  }

  private listing(bucket: string, prefix: string, delimiter: string | null): string {
    const names = [...this.objects.keys()].filter((key) => key.startsWith(`${bucket}/${prefix}`)).map((key) => key.slice(bucket.length + 1)).sort();
    const folderOf = (name: string): string | undefined => {
      const end = delimiter === null ? -1 : name.indexOf(delimiter, prefix.length);
      return end < 0 ? undefined : name.slice(0, end + 1);
    };
    const folders = new Set(names.flatMap((name) => folderOf(name) ?? []));
    const contents = names.filter((name) => folderOf(name) === undefined).map((name) =>
      `<Contents><Key>${name}</Key><LastModified>2026-11-26T00:00:00.000Z</LastModified><Size>${this.objects.get(`${bucket}/${name}`)!.length}</Size></Contents>`);
    return `<ListBucketResult><IsTruncated>false</IsTruncated>${contents.join('')}${[...folders].map((folder) => `<CommonPrefixes><Prefix>${folder}</Prefix></CommonPrefixes>`).join('')}</ListBucketResult>`;
  }
}

function ok(body: string): { status: number; body: string } {
  return { status: 200, body: body === '' ? '' : `<?xml version="1.0" encoding="UTF-8"?>${body}` };
}
