import { Body, Controller, Get, Param, Post, Query } from '@nestjs/common';
import { ApiOperation } from '@nestjs/swagger';
import type { Caller } from '../changes/caller.js';
import { idParameter } from '../http/id-parameter.js';
import { type Page, pageOf, pageSchema } from '../http/paging.js';
import { Answers, CurrentCaller, Example, Problems, Repeatable, Takes } from '../http/route.js';
import { tagged } from '../http/tags.js';
import { CustomerRequests } from './customer.requests.js';
import { customerListSchema, customerSchema, type NewCustomer, newCustomerSchema } from './customer.schemas.js';
import { type CustomerDocument, describeCustomer } from './customers.service.js';

@tagged('Customers', 'The tenants')
@Controller('v1/customers')
export class CustomersController {
  constructor(private readonly requests: CustomerRequests) {}

  @Post()
  @Takes('customer.create')
  @Repeatable()
  @Example({ name: 'Ada Ltd', email: 'ada@example.com' })
  @ApiOperation({
    operationId: 'createCustomer', summary: 'Sign a customer up',
    description: 'For keys with the scope `provision` or `operator`.',
  })
  @Problems('forbidden', 'invalid-email')
  @Answers(201, customerSchema, 'The customer')
  create(@CurrentCaller() caller: Caller, @Body({ schema: newCustomerSchema }) body: NewCustomer) {
    return this.requests.create(caller, body);
  }

  @Get()
  @Takes('customer.list')
  @ApiOperation({ operationId: 'listCustomers', summary: 'List customers, newest first', description: 'Those that the key can see.' })
  @Answers(200, customerListSchema, 'A page of customers')
  list(@CurrentCaller() caller: Caller, @Query({ schema: pageSchema }) page: Page) {
    return pageOf(page, (limit, before) => this.requests.list(caller, { limit, before }), describeCustomer);
  }

  @Get(':id')
  @Takes('customer.read')
  @ApiOperation({ operationId: 'getCustomer', summary: 'Read a customer', description: 'One that the key can see.' })
  @Answers(200, customerSchema, 'The customer')
  get(@CurrentCaller() caller: Caller, @Param('id', idParameter('customer')) id: string): Promise<CustomerDocument> {
    return this.requests.read(caller, id);
  }
}
