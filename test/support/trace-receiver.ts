import { createServer, type Server } from 'node:http';
import { freePort } from './servers.js';

/** A span as it arrived. */
export interface ReceivedSpan {
  readonly service: string;
  readonly traceId: string;
  readonly spanId: string;
  readonly parentSpanId: string | undefined;
  readonly name: string;
  readonly attributes: Readonly<Record<string, unknown>>;
  readonly startedAt: number;
  readonly endedAt: number;
}

interface Attribute { readonly key: string; readonly value: Readonly<Record<string, unknown>> }
interface ExportedSpan {
  readonly traceId: string; readonly spanId: string; readonly parentSpanId?: string; readonly name: string;
  readonly startTimeUnixNano: string; readonly endTimeUnixNano: string; readonly attributes: readonly Attribute[];
}
interface Export {
  readonly resourceSpans: readonly { readonly resource: { readonly attributes: readonly Attribute[] }; readonly scopeSpans: readonly { readonly spans: readonly ExportedSpan[] }[] }[];
}

const read = (attributes: readonly Attribute[]): Record<string, unknown> =>
  Object.fromEntries(attributes.map(({ key, value }) => [key, Object.values(value)[0]]));

/** Receives traces by OTLP over HTTP in JSON, and keeps them. */
export class TraceReceiver {
  readonly spans: ReceivedSpan[] = [];

  private constructor(private readonly server: Server, readonly url: string) {}

  static async start(): Promise<TraceReceiver> {
    const port = await freePort();
    const server = createServer();
    const receiver = new TraceReceiver(server, `http://127.0.0.1:${port}`);
    server.on('request', (request, response) => {
      const chunks: Buffer[] = [];
      request.on('data', (chunk: Buffer) => chunks.push(chunk)).on('end', () => {
        if (request.url === '/v1/traces' && request.headers['content-type'] === 'application/json') receiver.take(JSON.parse(Buffer.concat(chunks).toString()) as Export);
        response.writeHead(200, { 'content-type': 'application/json' }).end('{}');
      });
    });
    await new Promise<void>((resolve) => server.listen(port, '127.0.0.1', resolve));
    return receiver;
  }

  of(traceId: string): ReceivedSpan[] {
    return this.spans.filter((span) => span.traceId === traceId);
  }

  stop(): void {
    this.server.close();
    this.server.closeAllConnections();
  }

  private take({ resourceSpans }: Export): void {
    for (const { resource, scopeSpans } of resourceSpans) {
      const service = String(read(resource.attributes)['service.name']);
      for (const { traceId, spanId, parentSpanId, name, attributes, startTimeUnixNano, endTimeUnixNano } of scopeSpans.flatMap(({ spans }) => spans)) {
        this.spans.push({
          service, traceId, spanId, parentSpanId: parentSpanId || undefined, name, attributes: read(attributes),
          startedAt: Number(BigInt(startTimeUnixNano) / 1_000_000n), endedAt: Number(BigInt(endTimeUnixNano) / 1_000_000n),
        });
      }
    }
  }
}
