import { Body, Controller, Delete, Get, HttpCode, Param, Post, Query } from '@nestjs/common';
import { ApiOperation, ApiResponse } from '@nestjs/swagger';
import type { Caller } from '../changes/caller.js';
import { idParameter } from '../http/id-parameter.js';
import { type Page, pageOf, pageSchema } from '../http/paging.js';
import { Answers, Changes, CurrentCaller, Example, Problems, Repeatable, Takes } from '../http/route.js';
import { tagged } from '../http/tags.js';
import { CustomerRequests, describeApiKey } from './customer.requests.js';
import { apiKeyListSchema, newApiKeyAnswerSchema, type NewApiKeyBody, newApiKeySchema } from './customer.schemas.js';

@tagged('API keys', "Programs' credentials")
@Controller('v1/customers/:customerId/api-keys')
export class ApiKeysController {
  constructor(private readonly requests: CustomerRequests) {}

  @Post()
  @Takes('api-key.create')
  @Repeatable()
  @Example({ name: 'deploy script' })
  @ApiOperation({
    operationId: 'createApiKey', summary: 'Make an API key',
    description: 'The key is shown in this answer and never again. A signup flow makes keys for the customers that it signed up; '
      + 'they reach no further than their customer.',
  })
  @Problems('forbidden')
  @Answers(201, newApiKeyAnswerSchema, 'The key')
  create(
    @CurrentCaller() caller: Caller, @Param('customerId', idParameter('customer')) customerId: string,
    @Body({ schema: newApiKeySchema }) body: NewApiKeyBody,
  ) {
    return this.requests.createKey(caller, customerId, body);
  }

  @Get()
  @Takes('api-key.list')
  @ApiOperation({
    operationId: 'listApiKeys', summary: "List a customer's API keys, newest first",
    description: 'Without the keys themselves.',
  })
  @Problems('forbidden')
  @Answers(200, apiKeyListSchema, 'A page of API keys')
  list(
    @CurrentCaller() caller: Caller, @Param('customerId', idParameter('customer')) customerId: string,
    @Query({ schema: pageSchema }) page: Page,
  ) {
    return pageOf(page, (limit, before) => this.requests.listKeys(caller, customerId, { limit, before }), describeApiKey);
  }

  @Delete(':id')
  @Takes('api-key.revoke')
  @Changes()
  @HttpCode(204)
  @ApiOperation({ operationId: 'revokeApiKey', summary: 'Revoke an API key', description: 'It is refused from then on.' })
  @Problems('forbidden')
  @ApiResponse({ status: 204, description: 'It is revoked' })
  revoke(
    @CurrentCaller() caller: Caller, @Param('customerId', idParameter('customer')) customerId: string,
    @Param('id', idParameter('apiKey')) id: string,
  ) {
    return this.requests.revokeKey(caller, customerId, id);
  }
}
