import { Body, Controller, Get, Param, Post, Query, Res } from '@nestjs/common';
import { ApiOperation, ApiTags } from '@nestjs/swagger';
import type { Response } from 'express';
import { audit } from '../changes/audit.js';
import { ChangesService } from '../changes/changes.service.js';
import { idParameter } from '../http/id-parameter.js';
import { type Page, pageOf, pageSchema } from '../http/paging.js';
import { admit, reachFor, requirePermission } from '../access/permission.js';
import type { Caller } from '../changes/caller.js';
import { Answers, CurrentCaller, Problems, Repeatable, Takes } from '../http/route.js';
import { send } from '../http/send.js';
import { customerListSchema, customerSchema, type NewCustomer, newCustomerSchema } from './customer.schemas.js';
import { type CustomerDocument, CustomersService, describeCustomer } from './customers.service.js';

@ApiTags('Customers')
@Controller('v1/customers')
export class CustomersController {
  constructor(private readonly customers: CustomersService, private readonly changes: ChangesService) {}

  @Post()
  @Takes('customer.create')
  @Repeatable()
  @ApiOperation({ operationId: 'createCustomer', summary: 'Sign a customer up', description: 'For keys with the scope `provision` or `operator`.' })
  @Problems('forbidden', 'invalid-email')
  @Answers(201, customerSchema, 'The customer')
  async create(@CurrentCaller() caller: Caller, @Body({ schema: newCustomerSchema }) body: NewCustomer, @Res({ passthrough: true }) response: Response) {
    requirePermission(caller.actor, 'customer.create');
    return send(response, await this.changes.change(caller, async (tx) => {
      const customer = await this.customers.create(tx, { ...body, createdBy: caller.actor.id });
      await audit(tx, caller, { action: 'customer.create', subjectId: customer.id, customerId: customer.id });
      return { status: 201, body: describeCustomer(customer) };
    }));
  }

  @Get()
  @Takes('customer.list')
  @ApiOperation({ operationId: 'listCustomers', summary: 'List customers, newest first', description: 'Those that the key can see.' })
  @Answers(200, customerListSchema, 'A page of customers')
  list(@CurrentCaller() { actor }: Caller, @Query({ schema: pageSchema }) page: Page) {
    return pageOf(page, (limit, before) => this.customers.list(reachFor(actor, 'customer.list'), { limit, before }), describeCustomer);
  }

  @Get(':id')
  @Takes('customer.read')
  @ApiOperation({ operationId: 'getCustomer', summary: 'Read a customer', description: 'One that the key can see.' })
  @Answers(200, customerSchema, 'The customer')
  async get(@CurrentCaller() { actor }: Caller, @Param('id', idParameter('customer')) id: string): Promise<CustomerDocument> {
    return describeCustomer(await admit(actor, 'customer.read', (reach) => this.customers.find(reach, id), (customer) => customer.id));
  }
}
