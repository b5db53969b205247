import { Inject, Injectable } from '@nestjs/common';
import { reasonOf } from '../base/reason-of.js';
import { Metadata } from '../metadata/metadata.js';
import { openAlert, resolveAlerts } from '../operations/alerts.js';
import { type Duty, RunsInWorker } from '../operations/duty.js';
import { Rounds } from '../operations/rounds.js';
import type { Log } from '../telemetry/log.js';
import { LOG } from '../telemetry/log-token.js';
import { scrubSecrets } from '../telemetry/scrub-secrets.js';
import { writeLetter } from './letter.js';
import { type DueMail, MailsService } from './mails.service.js';
import { nextAttemptSeconds } from './next-attempt.js';
import { PostOffice } from './post-office.js';

const LOOK_EVERY_MS = 1_000;
const FORGET_EVERY_MS = 60 * 60_000;
/** A mail server that is away for a moment is nobody's business. */
const ALERT_AFTER_ATTEMPTS = 3;
const MAIL_ALERT = 'mail';

/** Sends the mails that are due, one after the other. */
@RunsInWorker
@Injectable()
export class MailDuty implements Duty {
  private readonly sending: Rounds;
  private readonly forgetting: Rounds;

  constructor(
    private readonly mails: MailsService,
    private readonly postOffice: PostOffice,
    private readonly metadata: Metadata,
    @Inject(LOG) private readonly log: Log,
  ) {
    this.sending = new Rounds({
      everyMs: LOOK_EVERY_MS, beginsAtOnce: true, round: () => this.sendDue(), whenFailed: 'mails could not be looked up', log,
    });
    this.forgetting = new Rounds({
      everyMs: FORGET_EVERY_MS, round: () => mails.forgetOld(), whenFailed: 'old mails could not be forgotten', log,
    });
  }

  start(): void {
    this.sending.start();
    this.forgetting.start();
  }

  async stop(): Promise<void> {
    await Promise.all([this.sending.stop(), this.forgetting.stop()]);
  }

  private async sendDue(): Promise<void> {
    for (let mail = await this.mails.claim(); mail; mail = await this.mails.claim()) {
      try {
        await this.send(mail);
      } catch (error) {
        await this.fail(mail, scrubSecrets(reasonOf(error)));
        // Others would fail alike, and wait for the next round.
        return;
      }
    }
  }

  private async send(mail: DueMail): Promise<void> {
    const letter = await this.mails.compose(mail);
    if (letter) await this.postOffice.send(mail.id, letter.to ?? mail.recipient, writeLetter(letter));
    await this.mails.finish(mail.id, letter ? 'sent' : 'dropped');
    if (letter) await resolveAlerts(this.metadata.dataSource.manager, [MAIL_ALERT]);
    this.log.info({ mail: mail.id, kind: mail.kind }, letter ? 'mail sent' : 'mail not needed any more');
  }

  private async fail({ id, kind, attempts }: DueMail, reason: string): Promise<void> {
    const wait = nextAttemptSeconds(attempts);
    this.log.warn({ mail: id, kind, attempts, reason }, wait === undefined ? 'mail given up' : 'mail could not be sent');
    if (wait === undefined) await this.mails.finish(id, 'given-up', reason);
    else await this.mails.tryAgain(id, wait, reason);
    if (attempts < ALERT_AFTER_ATTEMPTS) return;
    await openAlert(this.metadata.dataSource.manager, {
      key: MAIL_ALERT, kind: MAIL_ALERT, severity: 'warning', subjectId: null, operationId: null, action: 'required',
      message: `mails cannot be sent: ${reason}`,
      advice: 'look at the mail server and at FREEHOLD_SMTP_URL; mails are tried again for two days, and the alert closes when one is sent',
    });
  }
}
