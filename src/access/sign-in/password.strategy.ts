import { Injectable } from '@nestjs/common';
import { PassportStrategy } from '@nestjs/passport';
import type { Request } from 'express';
import { Strategy } from 'passport-local';
import type { Credentials } from '../users/credentials.service.js';
import { SignInsService } from './sign-ins.service.js';

/** Who has the address and the password of a request's body. It is checked for its form before, so that nothing is looked for elsewhere. */
@Injectable()
export class PasswordStrategy extends PassportStrategy(Strategy, 'password') {
  constructor(private readonly signIns: SignInsService) {
    super({ usernameField: 'email', passwordField: 'password', session: false, passReqToCallback: true });
  }

  validate(request: Request, email: string, password: string): Promise<Credentials> {
    return this.signIns.checkPassword(email, password, request.ip ?? null);
  }
}
