import { Controller, Get, Headers, HttpCode, Inject, Param, Post, Query, Res } from '@nestjs/common';
import { ApiHeader, ApiOperation } from '@nestjs/swagger';
import type { Response } from 'express';
import type { z } from 'zod';
import { ApiKeysService } from '../access/api-keys.service.js';
import { SessionsService } from '../access/sessions/sessions.service.js';
import type { Caller } from '../changes/caller.js';
import { OperationRequests } from '../changes/operation.requests.js';
import type { OperationDocument } from '../operations/operation.js';
import { OperationFeed } from '../operations/operation-feed.js';
import { ProblemError } from '../problems/problem.js';
import { idParameter } from './id-parameter.js';
import {
  operationAnswerSchema, operationEventsSchema, operationFilterSchema, operationListSchema, operationSchema,
} from './operation.schemas.js';
import { pageOf } from './paging.js';
import { Answers, CurrentCaller, Problems, Repeatable, Takes, WithoutBody } from './route.js';
import { tagged } from './tags.js';

/** Proxies end connections on which nothing happens. */
const HEARTBEAT_MS = 15_000;

@tagged('Operations', 'Long-running changes')
@Controller('v1/operations')
export class OperationsController {
  constructor(
    private readonly requests: OperationRequests,
    private readonly keys: ApiKeysService,
    private readonly sessions: SessionsService,
    @Inject(OperationFeed) private readonly feed: OperationFeed,
  ) {}

  @Get()
  @Takes('operation.list')
  @ApiOperation({
    operationId: 'listOperations', summary: 'List operations, newest first',
    description: 'Those of the databases that the key can see.',
  })
  @Answers(200, operationListSchema, 'A page of operations')
  list(@CurrentCaller() caller: Caller, @Query({ schema: operationFilterSchema }) filter: z.output<typeof operationFilterSchema>) {
    const { databaseId: subjectId, kind, state } = filter;
    return pageOf(
      filter, (limit, before) => this.requests.list(caller, { limit, before, subjectId, kind, state }), (operation) => operation,
    );
  }

  @Get(':id')
  @Takes('operation.read')
  @ApiOperation({ operationId: 'getOperation', summary: 'Read an operation', description: 'With its steps, and what each found.' })
  @Answers(200, operationSchema, 'The operation')
  get(@CurrentCaller() caller: Caller, @Param('id', idParameter('operation')) id: string): Promise<OperationDocument> {
    return this.requests.read(caller, id);
  }

  @Get(':id/events')
  @Takes('operation.follow')
  @ApiHeader({
    name: 'Last-Event-ID', required: false, description: 'The id of the last event that was received',
    schema: { type: 'string', pattern: '^[0-9]+$' },
  })
  @Problems('invalid-header')
  @ApiOperation({
    operationId: 'followOperation', summary: 'Follow an operation',
    description: 'Server-Sent Events: `step` with the whole operation at every change, then `end`. Resumes after `Last-Event-ID`.',
  })
  @Answers(200, operationEventsSchema, 'A stream of events', 'text/event-stream')
  async events(
    @CurrentCaller() caller: Caller, @Param('id', idParameter('operation')) id: string,
    @Headers('last-event-id') lastEventId: string | undefined,
    @Res() response: Response,
  ): Promise<void> {
    const after = checkEventId(lastEventId);
    await this.requests.follow(caller, id);
    const gone = new AbortController();
    response.on('close', () => gone.abort());
    response.writeHead(200, { 'Content-Type': 'text/event-stream', 'Cache-Control': 'no-store', 'X-Accel-Buffering': 'no' });
    response.write('retry: 1000\n\n');
    const heartbeat = setInterval(() => response.write(': still here\n\n'), HEARTBEAT_MS);
    try {
      await this.stream(caller, id, after, response, gone.signal);
    } finally {
      clearInterval(heartbeat);
      response.end();
    }
  }

  private async stream(caller: Caller, id: string, after: string, response: Response, signal: AbortSignal): Promise<void> {
    let last = after;
    for await (const _ of this.feed.watch(id, signal)) {
      if (!(await this.isStillIn(caller))) return;
      // Read before the events, so that none of an operation that has ended is missed.
      const operation = await this.requests.follow(caller, id);
      for (const event of await this.requests.eventsAfter(caller, id, last)) {
        last = event.id;
        response.write(`id: ${event.id}\nevent: step\ndata: ${JSON.stringify(event.document)}\n\n`);
      }
      if (operation.finishedAt !== null) {
        response.write(`event: end\ndata: ${JSON.stringify(operation)}\n\n`);
        return;
      }
    }
  }

  private async isStillIn({ actor }: Caller): Promise<boolean> {
    return actor.type === 'user' ? this.sessions.isValid(actor) : this.keys.isValid(actor.id);
  }

  @Post(':id/retry')
  @Takes('operation.retry')
  @HttpCode(202)
  @Repeatable()
  @Problems('forbidden', 'operation-not-steerable', 'operation-in-progress')
  @WithoutBody()
  @ApiOperation({
    operationId: 'retryOperation', summary: 'Try again at once',
    description: 'A step that waits for its next attempt, or a failed operation from its first step on. For operators.',
  })
  @Answers(202, operationAnswerSchema, 'The operation')
  retry(@CurrentCaller() caller: Caller, @Param('id', idParameter('operation')) id: string) {
    return this.requests.retry(caller, id);
  }

  @Post(':id/cancel')
  @Takes('operation.cancel')
  @HttpCode(202)
  @Repeatable()
  @Problems('forbidden', 'operation-not-steerable')
  @WithoutBody()
  @ApiOperation({
    operationId: 'cancelOperation', summary: 'Turn back',
    description: 'At the next step before the point of no return. For operators.',
  })
  @Answers(202, operationAnswerSchema, 'The operation')
  cancel(@CurrentCaller() caller: Caller, @Param('id', idParameter('operation')) id: string) {
    return this.requests.cancel(caller, id);
  }
}

function checkEventId(id: string | undefined): string {
  if (id === undefined || id === '') return '0';
  if (!/^\d{1,18}$/.test(id)) {
    throw new ProblemError('invalid-header', 'the header Last-Event-ID is not valid', {
      fields: [{ field: 'Last-Event-ID', message: 'must be the id of an event' }],
    });
  }
  return id;
}
