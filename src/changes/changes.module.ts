import { Global, Module } from '@nestjs/common';
import { Changes } from './changes.js';
import { IdempotencyKeeper } from './idempotency-keeper.js';
import { OperationRequests } from './operation.requests.js';

/** The one door for changes, for all features. */
@Global()
@Module({ providers: [Changes, OperationRequests, IdempotencyKeeper], exports: [Changes, OperationRequests] })
export class ChangesModule {}
