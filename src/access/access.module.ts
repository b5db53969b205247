import { Module } from '@nestjs/common';
import { ApiKeysService } from './api-keys.service.js';
import { BearerStrategy } from './bearer.strategy.js';

@Module({ providers: [ApiKeysService, BearerStrategy], exports: [ApiKeysService, BearerStrategy] })
export class AccessModule {}
