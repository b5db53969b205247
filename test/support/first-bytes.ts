import { connect, createServer, type AddressInfo, type Socket } from 'node:net';

export const SSL_REQUEST = Buffer.from('0000000804d2162f', 'hex');
export const GSSENC_REQUEST = Buffer.from('0000000804d21630', 'hex');
/** Of a backend that does not exist. */
export const CANCEL_REQUEST = Buffer.from('0000001004d2162e0000000100000002', 'hex');
/** Protocol 3.0, user `a`. */
export const STARTUP_MESSAGE = Buffer.from('0000001000030000757365720061000000', 'hex').subarray(0, 16);
/** The beginning of a ClientHello. */
export const CLIENT_HELLO = Buffer.from('16030100c8010000c40303', 'hex');

/** A stand-in for an instance, for what is forwarded without being understood. */
export interface EchoInstance {
  readonly address: string;
  readonly port: number;
  /** Connections since the start, and the sources of them. */
  readonly sources: string[];
  readonly open: ReadonlySet<Socket>;
  stop(): Promise<void>;
}

/** Answers the first bytes with `S`, and sends back all that follows. A cancel request it closes without an answer. */
export async function startEchoInstance(address: string, port = 0): Promise<EchoInstance> {
  const sources: string[] = [];
  const open = new Set<Socket>();
  const server = createServer((socket) => {
    sources.push(socket.remoteAddress ?? '');
    open.add(socket);
    socket.on('error', () => undefined);
    socket.once('close', () => open.delete(socket));
    socket.once('data', (first) => {
      if (first.equals(CANCEL_REQUEST)) return void socket.end();
      socket.write('S');
      socket.on('data', (more) => socket.write(more));
    });
  });
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen({ host: address, port, backlog: 4_096 }, resolve);
  });
  return {
    address, sources, open,
    port: (server.address() as AddressInfo).port,
    async stop() {
      for (const socket of open) socket.destroy();
      await new Promise<void>((resolve) => server.close(() => resolve()));
    },
  };
}

/** A client at a port of the router. */
export class RawClient {
  private heard = '';
  /** Resolves with what was heard, once the connection has ended. */
  readonly ended: Promise<string>;

  private constructor(readonly socket: Socket) {
    socket.on('error', () => undefined);
    socket.on('data', (chunk) => (this.heard += chunk.toString('latin1')));
    this.ended = new Promise((resolve) => socket.once('close', () => resolve(this.heard)));
  }

  /** Connects from an address of one's own choice, and sends the first bytes, if any. */
  static open(address: string, port: number, first: Buffer | null = SSL_REQUEST, localAddress?: string): RawClient {
    const socket = connect({ host: address, port, ...(localAddress && { localAddress }) });
    if (first) socket.write(first);
    return new RawClient(socket);
  }

  /** @throws Error if the connection ends before the instance has answered. */
  async answered(length = 1): Promise<this> {
    const ended = this.ended.then((heard) => {
      if (heard.length < length) throw new Error(`refused after "${heard}"`);
    });
    const told = new Promise<void>((resolve) => {
      const look = (): void => (this.heard.length >= length ? resolve() : undefined);
      look();
      this.socket.on('data', look);
    });
    await Promise.race([told, ended]);
    return this;
  }

  /** Whether the instance sends back what is sent. */
  async echoes(text: string): Promise<boolean> {
    const before = this.heard.length;
    this.socket.write(text);
    await this.answered(before + text.length);
    return this.heard.slice(before) === text;
  }

  get lives(): boolean {
    return !this.socket.destroyed && !this.socket.readableEnded;
  }

  close(): void {
    this.socket.destroy();
  }
}
