import type { EventEmitter } from 'node:events';
import { connect, type Socket } from 'node:net';
import { connect as connectTls } from 'node:tls';

import pg from 'pg';

import { SSL_REQUEST } from './first-bytes.js';

/** Where a client connects to. */
export interface Place {
  readonly host: string;
  readonly port: number;
}

/** A StartupMessage of protocol 3.0. */
export function startupMessage(user: string, database: string): Buffer {
  return startup(196_608, Buffer.from(`user\0${user}\0database\0${database}\0\0`));
}

function startup(version: number, words: Buffer): Buffer {
  const header = Buffer.alloc(8);
  header.writeInt32BE(8 + words.length, 0);
  header.writeInt32BE(version, 4);
  return Buffer.concat([header, words]);
}

/** A message of the frontend: SCRAM's are of type `p`. */
export function message(type: string, body: Buffer): Buffer {
  const header = Buffer.alloc(5);
  header.write(type, 'latin1');
  header.writeInt32BE(4 + body.length, 1);
  return Buffer.concat([header, body]);
}

/** A client's first message of SCRAM; the length of its contents may be a lie. */
export function scramFirst(contents: string, length = contents.length, mechanism = 'SCRAM-SHA-256'): Buffer {
  const size = Buffer.alloc(4);
  size.writeInt32BE(length);
  return message('p', Buffer.concat([Buffer.from(`${mechanism}\0`), size, Buffer.from(contents)]));
}

/** Start-up packets that make no sense, or make the wrong one. */
export function crookedStartups(user: string, database: string): Buffer[] {
  const whole = startupMessage(user, database);
  const withLength = (length: number): Buffer => {
    const packet = Buffer.from(whole);
    packet.writeInt32BE(length, 0);
    return packet;
  };
  return [
    Buffer.alloc(8), withLength(-1), withLength(0), withLength(9_999), withLength(10_001), withLength(0x7fffffff), withLength(whole.length - 1),
    startup(196_608, Buffer.alloc(0)), startup(196_608, Buffer.from('user')), startup(196_608, Buffer.from('user\0\0')), startup(196_608, Buffer.from('\0\0\0\0')),
    startup(0x00020000, Buffer.from(`user\0${user}\0\0`)), startup(0x0003ffff, Buffer.from(`user\0${user}\0_pq_.x\0y\0\0`)), startup(0x7fffffff, Buffer.alloc(4)),
    startup(196_608, Buffer.from(`user\0${'u'.repeat(9_000)}\0\0`)), startup(196_608, Buffer.from(`user\0${user}\0replication\0database\0\0`)),
    startup(196_608, Buffer.from(`${'a\0b\0'.repeat(2_000)}\0`)), Buffer.from([0xff, 0xff, 0xff, 0xff, 0, 3, 0, 0]),
  ];
}

/** Packets in the place of a password. */
export const CROOKED_PASSWORDS: readonly Buffer[] = [
  scramFirst('n,,'), scramFirst(''), scramFirst('y,,n=,r='), scramFirst('n,,n=,r=', 0x7fffffff), scramFirst('n,,n=,r=', -2), scramFirst('n,,n=,r=abc', 3),
  scramFirst('p=tls-unique,,n=,r=abc'), scramFirst('n,a=other,n=,r=abc'), scramFirst('n,,m=x,n=,r=abc'), scramFirst('n,,n=,r=abc', 11, 'SCRAM-SHA-256-PLUS'), scramFirst('n,,n=,r=abc', 11, 'X'.repeat(500)),
  scramFirst(`n,,n=,r=${'x'.repeat(9_000)}`), message('p', Buffer.alloc(0)), message('p', Buffer.from('SCRAM-SHA-256')), message('Q', Buffer.from('SELECT 1\0')), message('X', Buffer.alloc(0)),
  Buffer.from([0x70, 0, 0, 0, 3]), Buffer.from([0x70, 0xff, 0xff, 0xff, 0xff]), Buffer.from([0x70, 0x7f, 0xff, 0xff, 0xff]), Buffer.alloc(64), Buffer.alloc(64, 0xff),
];

/** Sends packets one after the other, each when something was answered to the one before; resolves with the end of the connection. */
export async function converse(place: Place, packets: readonly Buffer[], { tls = true }: { readonly tls?: boolean } = {}): Promise<void> {
  const plain = connect(place);
  plain.on('error', () => undefined);
  let socket: Socket = plain;
  if (tls) {
    plain.write(SSL_REQUEST);
    if (!(await answered(plain))) return;
    socket = connectTls({ socket: plain, rejectUnauthorized: false });
    socket.on('error', () => undefined);
  }
  for (const [index, packet] of packets.entries()) {
    socket.write(packet);
    if (index < packets.length - 1 && !(await answered(socket))) return;
  }
  // Whoever waits for more of a packet than there is learns that nothing comes.
  socket.end();
  socket.resume();
  await new Promise<void>((resolve) => (plain.destroyed ? resolve() : plain.once('close', () => resolve())));
}

/** Whether something was heard before the connection ended. */
function answered(socket: Socket): Promise<boolean> {
  return new Promise((resolve) => {
    socket.once('data', () => resolve(true));
    socket.once('close', () => resolve(false));
  });
}

/** Moments of a log-in at which the server has just said something. */
export const EXCHANGE = ['sslconnect', 'authenticationSASL', 'authenticationSASLContinue', 'authenticationSASLFinal', 'readyForQuery'] as const;

/** Logs in as usual, but sends something more at one moment of the exchange, before the client's own next packet. */
export async function interject(config: pg.ClientConfig, moment: (typeof EXCHANGE)[number], packet: Buffer): Promise<pg.Client> {
  const client = new pg.Client({ connectionTimeoutMillis: 10_000, query_timeout: 10_000, ...config });
  client.on('error', () => undefined);
  const { connection } = client as unknown as { connection: EventEmitter & { readonly stream: Socket } };
  connection.prependOnceListener(moment, () => connection.stream.write(packet));
  await client.connect();
  return client;
}

/** Asks for a cancel of what a client does, as drivers do: in a connection of its own, without TLS. */
export function cancel(place: Place, client: pg.Client): Promise<void> {
  const { processID, secretKey } = client as unknown as { processID: number; secretKey: number };
  const packet = Buffer.alloc(16);
  packet.writeInt32BE(16, 0);
  packet.writeInt32BE(80_877_102, 4);
  packet.writeInt32BE(processID, 8);
  packet.writeInt32BE(secretKey, 12);
  const socket = connect(place);
  socket.on('error', () => undefined);
  socket.end(packet);
  socket.resume();
  return new Promise((resolve) => socket.once('close', () => resolve()));
}

/** Opens many connections; each sends its first bytes, if any, and stays for as long as it may. */
export async function flood(place: Place, count: number, first: Buffer | null): Promise<{ close(): void }> {
  const sockets: Socket[] = [];
  for (let at = 0; at < count; at += 1) {
    const socket = connect(place);
    socket.on('error', () => undefined);
    socket.resume();
    if (first) socket.write(first);
    sockets.push(socket);
    // Others of this process have something to do, too.
    if (at % 200 === 199) await new Promise((resolve) => setImmediate(resolve));
  }
  return {
    close() {
      for (const socket of sockets) socket.destroy();
    },
  };
}

/** Connects and goes, time and again, some at once. */
export async function hammer(place: Place, count: number, first: Buffer | null): Promise<void> {
  let left = count;
  const comeAndGo = async (): Promise<void> => {
    while (left > 0) {
      left -= 1;
      const socket = connect(place);
      socket.on('error', () => undefined);
      if (first) socket.write(first);
      await new Promise<void>((resolve) => {
        socket.once('connect', () => socket.destroy());
        socket.once('close', () => resolve());
      });
    }
  };
  await Promise.all(Array.from({ length: 50 }, comeAndGo));
}
