import { Module } from '@nestjs/common';
import { TypeOrmModule } from '@nestjs/typeorm';
import { AccessModule } from '../access/access.module.js';
import { ApiKeysController } from './api-keys.controller.js';
import { CustomerRequests } from './customer.requests.js';
import { CustomerEntity } from './customer.entity.js';
import { CustomersController } from './customers.controller.js';
import { CustomersService } from './customers.service.js';

@Module({
  imports: [TypeOrmModule.forFeature([CustomerEntity]), AccessModule],
  controllers: [CustomersController, ApiKeysController],
  providers: [CustomersService, CustomerRequests],
  exports: [CustomersService],
})
export class CustomersModule {}
