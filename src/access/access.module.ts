import { Module } from '@nestjs/common';
import { TypeOrmModule } from '@nestjs/typeorm';
import { SharedMemory } from '../redis/shared-memory.js';
import { ApiKeyEntity } from './api-key.entity.js';
import { ApiKeysService } from './api-keys.service.js';
import { BearerStrategy } from './bearer.strategy.js';
import { CookieStrategy } from './sessions/cookie.strategy.js';
import { SessionStore } from './sessions/session-store.js';
import { SessionsService } from './sessions/sessions.service.js';
import { GuessLimits } from './sign-in/guess-limits.js';
import { LetterLimits } from './sign-in/letter-limits.js';
import { PasswordStrategy } from './sign-in/password.strategy.js';
import { Passwords } from './sign-in/passwords.js';
import { Provider } from './sign-in/provider.js';
import { SignInsService } from './sign-in/sign-ins.service.js';
import { CredentialsService } from './users/credentials.service.js';
import { UsersService } from './users/users.service.js';

const PARTS = [
  ApiKeysService, UsersService, CredentialsService, Passwords, SessionStore, SessionsService, GuessLimits, LetterLimits,
  SignInsService, Provider, BearerStrategy, CookieStrategy, PasswordStrategy,
];

/** Who is acting: programs by their keys, people by their sessions. */
@Module({ imports: [TypeOrmModule.forFeature([ApiKeyEntity])], providers: [SharedMemory, ...PARTS], exports: PARTS })
export class AccessModule {}
