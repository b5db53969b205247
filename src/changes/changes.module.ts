import { Global, Module } from '@nestjs/common';
import { AuditRequests } from './audit/audit.requests.js';
import { ChainKeeper } from './audit/chain-keeper.js';
import { Changes } from './changes.js';
import { IdempotencyKeeper } from './idempotency-keeper.js';
import { OperationRequests } from './operation.requests.js';

/** The one door for changes, for all features. */
@Global()
@Module({
  providers: [Changes, OperationRequests, AuditRequests, IdempotencyKeeper, ChainKeeper],
  exports: [Changes, OperationRequests, AuditRequests],
})
export class ChangesModule {}
