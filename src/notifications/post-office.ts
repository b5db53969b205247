import { Inject, Injectable, type OnModuleDestroy } from '@nestjs/common';
import { createTransport, type SentMessageInfo, type Transporter } from 'nodemailer';
import { SETTINGS } from '../config/settings-token.js';
import type { Settings } from '../config/settings.js';
import type { WrittenLetter } from './letter.js';
import { putIntoMailbox } from './mailbox.js';

/** A mail server that does not get on is given up for this attempt. */
const CONNECT_WITHIN_MS = 10_000;
const ANSWER_WITHIN_MS = 30_000;

/** Hands mails over to a mail server, or puts them into a folder where there is none. */
@Injectable()
export class PostOffice implements OnModuleDestroy {
  private readonly transport: Transporter<SentMessageInfo>;

  constructor(@Inject(SETTINGS) private readonly settings: Settings) {
    // What mails say comes from people: none of it may name a file or an address to fetch.
    const shared = { disableFileAccess: true, disableUrlAccess: true };
    const { FREEHOLD_SMTP_URL: url } = settings;
    this.transport = url === undefined
      ? createTransport({ streamTransport: true, buffer: true, newline: 'windows', ...shared })
      : createTransport({
          ...serverOf(url), ...shared, connectionTimeout: CONNECT_WITHIN_MS, greetingTimeout: CONNECT_WITHIN_MS,
          socketTimeout: ANSWER_WITHIN_MS,
        });
  }

  /** The same id each time that a mail is sent again, by which a mail program knows it for the same. */
  async send(id: string, recipient: string, { subject, text, html }: WrittenLetter): Promise<void> {
    const from = this.settings.FREEHOLD_MAIL_FROM;
    const domain = /@([^\s>]+)/.exec(from)?.[1] ?? 'localhost';
    const sent: SentMessageInfo & { readonly message?: unknown } = await this.transport.sendMail({
      from, to: { name: '', address: recipient }, subject, text, html, messageId: `<${id}@${domain}>`,
      headers: { 'Auto-Submitted': 'auto-generated' },
    });
    if (Buffer.isBuffer(sent.message)) await putIntoMailbox(this.settings.FREEHOLD_DATA_DIR, id, sent.message);
  }

  onModuleDestroy(): void {
    this.transport.close();
  }
}

/** Mails carry tokens: they go out only by TLS, but for a server on this machine. */
function serverOf(url: string) {
  const { protocol, hostname, port, username, password } = new URL(url);
  const secure = protocol === 'smtps:';
  const isHere = /^(localhost|127(\.\d+){3}|\[::1\])$/.test(hostname);
  return {
    host: hostname.replace(/^\[|\]$/g, ''), port: port === '' ? (secure ? 465 : 587) : Number(port), secure, requireTLS: !secure && !isHere,
    ...(isHere && { tls: { rejectUnauthorized: false } }),
    ...(username !== '' && { auth: { user: decodeURIComponent(username), pass: decodeURIComponent(password) } }),
  };
}
