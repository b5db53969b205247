import { Module } from '@nestjs/common';
import { ApiKeysService } from '../access/api-keys.service.js';
import { CustomerRequests } from './customer.requests.js';
import { CustomersService } from './customers.service.js';

@Module({ providers: [ApiKeysService, CustomersService, CustomerRequests], exports: [ApiKeysService, CustomersService, CustomerRequests] })
export class CustomersModule {}
