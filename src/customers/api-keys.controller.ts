import { Body, Controller, Delete, Get, HttpCode, Param, Post, Query, Res } from '@nestjs/common';
import { ApiOperation, ApiResponse, ApiTags } from '@nestjs/swagger';
import type { Response } from 'express';
import type { Action } from '../access/actions.js';
import { customerScope } from '../access/actor.js';
import type { ApiKeyEntity } from '../access/api-key.entity.js';
import { ApiKeysService } from '../access/api-keys.service.js';
import { audit } from '../changes/audit.js';
import { ChangesService } from '../changes/changes.service.js';
import { idParameter } from '../http/id-parameter.js';
import { type Page, pageOf, pageSchema } from '../http/paging.js';
import { admit } from '../access/permission.js';
import type { Caller } from '../changes/caller.js';
import { Answers, CurrentCaller, Problems, Repeatable, Takes } from '../http/route.js';
import { send } from '../http/send.js';
import { notFound, ProblemError } from '../problems/problem.js';
import { apiKeyListSchema, newApiKeyAnswerSchema, type NewApiKeyBody, newApiKeySchema } from './customer.schemas.js';
import { CustomersService } from './customers.service.js';

@ApiTags('API keys')
@Controller('v1/customers/:customerId/api-keys')
export class ApiKeysController {
  constructor(
    private readonly customers: CustomersService,
    private readonly keys: ApiKeysService,
    private readonly changes: ChangesService,
  ) {}

  @Post()
  @Takes('api-key.create')
  @Repeatable()
  @ApiOperation({ operationId: 'createApiKey', summary: 'Make an API key', description: 'The key is shown in this answer and never again. A signup flow makes keys for the customers that it signed up; they reach no further than their customer.' })
  @Problems('forbidden')
  @Answers(201, newApiKeyAnswerSchema, 'The key')
  async create(
    @CurrentCaller() caller: Caller, @Param('customerId', idParameter('customer')) customerId: string,
    @Body({ schema: newApiKeySchema }) body: NewApiKeyBody, @Res({ passthrough: true }) response: Response,
  ) {
    await this.admit(caller, 'api-key.create', customerId);
    const scopes = body.scopes ?? [customerScope(customerId)];
    const foreign = scopes.filter((scope) => scope !== customerScope(customerId));
    if (foreign.length > 0) {
      throw new ProblemError('invalid-request', 'a key of a customer may have no other scope than that of its customer', {
        fields: [{ field: 'scopes', message: `must be ["${customerScope(customerId)}"]` }],
      });
    }
    return send(response, await this.changes.change(caller, async (tx) => {
      const { entity, key } = await this.keys.create(tx, { name: body.name, scopes, customerId, expiresAt: body.expiresAt ?? null });
      await audit(tx, caller, { action: 'api-key.create', subjectId: entity.id, customerId, detail: { name: entity.name, scopes } });
      return { status: 201, body: { ...describeApiKey(entity), key } };
    }));
  }

  @Get()
  @Takes('api-key.list')
  @ApiOperation({ operationId: 'listApiKeys', summary: "List a customer's API keys, newest first", description: 'Without the keys themselves.' })
  @Problems('forbidden')
  @Answers(200, apiKeyListSchema, 'A page of API keys')
  async list(@CurrentCaller() caller: Caller, @Param('customerId', idParameter('customer')) customerId: string, @Query({ schema: pageSchema }) page: Page) {
    await this.admit(caller, 'api-key.list', customerId);
    return pageOf(page, (limit, before) => this.keys.list(customerId, { limit, ...(before !== undefined && { before }) }), describeApiKey);
  }

  @Delete(':id')
  @Takes('api-key.revoke')
  @HttpCode(204)
  @ApiOperation({ operationId: 'revokeApiKey', summary: 'Revoke an API key', description: 'It is refused from then on.' })
  @Problems('forbidden')
  @ApiResponse({ status: 204, description: 'It is revoked' })
  async revoke(@CurrentCaller() caller: Caller, @Param('customerId', idParameter('customer')) customerId: string, @Param('id', idParameter('apiKey')) id: string): Promise<void> {
    await this.admit(caller, 'api-key.revoke', customerId);
    await this.changes.change({ ...caller, idempotencyKey: undefined }, async (tx) => {
      if (!(await this.keys.revoke(tx, customerId, id))) throw notFound();
      await audit(tx, caller, { action: 'api-key.revoke', subjectId: id, customerId });
      return { status: 204, body: null };
    });
  }

  private async admit({ actor }: Caller, action: Action, customerId: string): Promise<void> {
    await admit(actor, action, (reach) => this.customers.find(reach, customerId), ({ id }) => id);
  }
}

function describeApiKey({ id, name, scopes, createdAt, expiresAt, revokedAt, lastUsedAt }: ApiKeyEntity) {
  return { id, name, scopes, createdAt, expiresAt, revokedAt, lastUsedAt };
}
