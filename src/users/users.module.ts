import { Module } from '@nestjs/common';
import { AccessModule } from '../access/access.module.js';
import { CustomersModule } from '../customers/customers.module.js';
import { NotificationsModule } from '../notifications/notifications.module.js';
import { AccountController } from './account.controller.js';
import { AccountRequests } from './account.requests.js';
import { FirstOperator } from './first-operator.js';
import { InvitationRequests } from './invitation.requests.js';
import { InvitationsController } from './invitations.controller.js';
import { InvitationsService } from './invitations.service.js';
import { PasswordResetRequests } from './password-reset.requests.js';
import { PasswordResetsController } from './password-resets.controller.js';
import { ProviderController } from './provider.controller.js';
import { SessionRequests } from './session.requests.js';
import { SessionsController } from './sessions.controller.js';
import { UserRequests } from './user.requests.js';
import { UsersController } from './users.controller.js';

/** People who sign in. */
@Module({
  imports: [AccessModule, CustomersModule, NotificationsModule],
  controllers: [
    ProviderController, SessionsController, AccountController, UsersController, InvitationsController, PasswordResetsController,
  ],
  providers: [
    SessionRequests, AccountRequests, UserRequests, InvitationsService, InvitationRequests, PasswordResetRequests, FirstOperator,
  ],
})
export class UsersModule {}
