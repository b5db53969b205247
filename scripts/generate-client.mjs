#!/usr/bin/env node
/**
 * `npm run generate:client`: writes the types of the TypeScript client anew from the OpenAPI document of the built API.
 * The document comes from the controllers alone, so that no server has to run.
 */
import 'reflect-metadata';
import { writeFileSync } from 'node:fs';
import { NestFactory } from '@nestjs/core';
import { ApiModule } from '../dist/src/processes/api.module.js';
import { describeApi } from '../dist/src/http/openapi.js';
import { openLog } from '../dist/src/telemetry/log.js';
import { readSettings } from '../dist/src/config/settings.js';
import { NO_TRACING } from '../dist/src/telemetry/tracing.js';
import { Vault } from '../dist/src/secrets/vault.js';
import { renderTypes, TYPES_FILE } from '../clients/typescript/render-types.mjs';

const settings = readSettings({
  DATABASE_URL: 'postgresql://nowhere/freehold', REDIS_URL: 'redis://nowhere', FREEHOLD_DATA_DIR: '/nowhere',
  FREEHOLD_MASTER_KEY: Buffer.alloc(32).toString('base64'), FREEHOLD_LOG_LEVEL: 'silent',
});
/** As much of a data source as the modules ask for when they are made. */
const NO_DATA_SOURCE = { isInitialized: true, options: { type: 'postgres' }, entityMetadatas: [], getRepository: () => ({}) };
const ground = {
  settings,
  dataSource: NO_DATA_SOURCE,
  engine: { inventory: () => [] },
  vault: new Vault(Buffer.alloc(32)),
  queues: {},
  anchors: {},
  log: openLog('silent', 'generate'),
  tracing: NO_TRACING,
};
const app = await NestFactory.create(ApiModule.on(ground), { logger: ['error', 'warn'], abortOnError: false });
writeFileSync(TYPES_FILE, await renderTypes(describeApi(app, 'http://freehold.invalid')));
process.stdout.write(`${TYPES_FILE} is written\n`);
process.exit(0);
