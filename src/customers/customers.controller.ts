import { Body, Controller, Get, Param, Post, Query, Res } from '@nestjs/common';
import { ApiOperation, ApiTags } from '@nestjs/swagger';
import type { Response } from 'express';
import { PROVISION_SCOPE, reachOf, requireScope } from '../access/actor.js';
import { audit } from '../access/audit.js';
import { ChangesService } from '../access/changes.service.js';
import { idParameter } from '../access/id-parameter.js';
import { type Page, pageOf, pageSchema } from '../access/paging.js';
import { Answers, type Caller, CurrentCaller, NeedsKey, Problems, Repeatable } from '../access/route.js';
import { send } from '../access/send.js';
import { notFound } from '../problems/problem.js';
import { type NewCustomer, newCustomerSchema } from './customer.schemas.js';
import { type CustomerDocument, CustomersService, describeCustomer } from './customers.service.js';

@ApiTags('Customers')
@NeedsKey()
@Controller('v1/customers')
export class CustomersController {
  constructor(private readonly customers: CustomersService, private readonly changes: ChangesService) {}

  @Post()
  @Repeatable()
  @ApiOperation({ operationId: 'createCustomer', summary: 'Sign a customer up', description: 'For keys with the scope `provision` or `operator`.' })
  @Problems('forbidden', 'invalid-email')
  @Answers(201, 'Customer', 'The customer')
  async create(@CurrentCaller() caller: Caller, @Body({ schema: newCustomerSchema }) body: NewCustomer, @Res({ passthrough: true }) response: Response) {
    requireScope(caller.actor, PROVISION_SCOPE);
    return send(response, await this.changes.change(caller, async (tx) => {
      const customer = await this.customers.create(tx, { ...body, createdBy: caller.actor.id });
      await audit(tx, caller, { action: 'customer.create', subjectId: customer.id, customerId: customer.id });
      return { status: 201, body: describeCustomer(customer) };
    }));
  }

  @Get()
  @ApiOperation({ operationId: 'listCustomers', summary: 'List customers, newest first', description: 'Those that the key can see.' })
  @Answers(200, 'CustomerList', 'A page of customers')
  list(@CurrentCaller() { actor }: Caller, @Query({ schema: pageSchema }) page: Page) {
    return pageOf(page, (limit, before) => this.customers.list(reachOf(actor), { limit, before }), describeCustomer);
  }

  @Get(':id')
  @ApiOperation({ operationId: 'getCustomer', summary: 'Read a customer', description: 'One that the key can see.' })
  @Answers(200, 'Customer', 'The customer')
  async get(@CurrentCaller() { actor }: Caller, @Param('id', idParameter('customer')) id: string): Promise<CustomerDocument> {
    const customer = await this.customers.find(reachOf(actor), id);
    if (!customer) throw notFound();
    return describeCustomer(customer);
  }
}
