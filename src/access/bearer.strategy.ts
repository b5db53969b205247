import { Injectable } from '@nestjs/common';
import { PassportStrategy } from '@nestjs/passport';
import { Strategy } from 'passport-http-bearer';
import type { Actor } from './actor.js';
import { ApiKeysService } from './api-keys.service.js';

/** `Authorization: Bearer <API key>` */
@Injectable()
export class BearerStrategy extends PassportStrategy(Strategy, 'bearer') {
  constructor(private readonly keys: ApiKeysService) {
    super();
  }

  async validate(key: string): Promise<Actor | false> {
    return (await this.keys.authenticate(key)) ?? false;
  }
}
