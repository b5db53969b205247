import { Controller, Get, Header, Res } from '@nestjs/common';
import { ApiOperation, ApiResponse } from '@nestjs/swagger';
import type { Response } from 'express';
import { z } from 'zod';
import { tagged } from '../http/tags.js';
import { component, referTo } from '../http/components.js';
import { Answers, Takes } from '../http/route.js';
import { BootRecovery } from '../health/boot-recovery.js';
import { Metadata } from '../metadata/metadata.js';
import { OperationQueues } from '../operations/operation-queues.js';
import { MetricsService } from './metrics.service.js';

const readinessSchema = component(
  'Readiness', z.object({ status: z.enum(['ready', 'not-ready']), recovered: z.boolean(), checks: z.record(z.string(), z.boolean()) }),
);
const livenessSchema = component('Liveness', z.object({ status: z.literal('alive') }));

@tagged('Health', 'For those who watch Freehold itself')
@Controller()
export class HealthController {
  constructor(
    private readonly metadata: Metadata,
    private readonly queues: OperationQueues,
    private readonly boot: BootRecovery,
    private readonly metrics: MetricsService,
  ) {}

  @Get('healthz')
  @Takes('health.read')
  @ApiOperation({ operationId: 'getLiveness', summary: 'Whether the process is alive', description: 'Needs no key.' })
  @Answers(200, livenessSchema, 'It is')
  live() {
    return { status: 'alive' };
  }

  @Get('readyz')
  @Takes('health.read')
  @ApiOperation({
    operationId: 'getReadiness', summary: 'Whether requests can be answered',
    description: 'Metadata, Redis and queues. Needs no key.',
  })
  @Answers(200, readinessSchema, 'They can')
  @ApiResponse({ status: 503, description: 'They cannot', content: { 'application/json': { schema: referTo(readinessSchema) } } })
  async ready(@Res({ passthrough: true }) response: Response) {
    const checks = {
      metadata: await this.metadataAnswers(), redis: await this.queues.isReachable(), queues: await answers(() => this.queues.depths()),
    };
    const ready = Object.values(checks).every(Boolean);
    if (!ready) response.status(503).setHeader('Retry-After', '1');
    return { status: ready ? 'ready' : 'not-ready', recovered: checks.metadata && (await this.boot.isFinished()), checks };
  }

  @Get('metrics')
  @Takes('metrics.read')
  @Header('Content-Type', 'text/plain; version=0.0.4')
  @ApiOperation({ operationId: 'getMetrics', summary: 'Figures for Prometheus', description: 'Needs no key.' })
  @ApiResponse({ status: 200, description: 'The figures', content: { 'text/plain': { schema: { type: 'string' } } } })
  figures(): Promise<string> {
    return this.metrics.render();
  }

  private metadataAnswers(): Promise<boolean> {
    return answers(() => this.metadata.dataSource.query('SELECT 1'));
  }
}

async function answers(question: () => Promise<unknown>): Promise<boolean> {
  try {
    await question();
    return true;
  } catch {
    return false;
  }
}
