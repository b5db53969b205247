import { Module } from '@nestjs/common';
import { MailDuty } from './mail-duty.js';
import { MailsService } from './mails.service.js';
import { PostOffice } from './post-office.js';

/** What is told to people by mail. */
@Module({ providers: [MailsService, PostOffice, MailDuty], exports: [MailsService] })
export class NotificationsModule {}
