import { Inject, Injectable } from '@nestjs/common';
import { collectDefaultMetrics, Counter, Gauge, Histogram, Registry } from 'prom-client';
import type { EntityManager } from 'typeorm';
import { CHANGE_AND_SIGHT, stateOf, type StateRow } from '../databases/database-document.js';
import { ENGINE } from '../engine/engine-token.js';
import type { Engine } from '../engine/ports.js';
import { Metadata } from '../metadata/metadata.js';
import { poolOf } from '../metadata/pool-of.js';
import { queryRows } from '../metadata/query-rows.js';
import { OperationQueues } from '../operations/operation-queues.js';
import { OperationRegistry } from '../operations/registry.js';

const COUNT_WITHIN_MS = 2_000;

/**
 * Figures for Prometheus. What is in the metadata is counted when it is asked for, so that every process tells the same
 * and nothing is lost with one that dies.
 */
@Injectable()
export class MetricsService {
  private readonly registry = new Registry();
  private readonly requests = new Histogram({
    name: 'freehold_http_request_seconds', help: 'Time to answer a request', labelNames: ['method', 'route', 'status'],
    buckets: [0.002, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 1, 5], registers: [this.registry],
  });
  private readonly operations = this.gauge('freehold_operations', 'Operations by kind and state', ['kind', 'state']);
  private readonly stepSeconds = this.gauge(
    'freehold_operation_step_seconds', 'Time of a step in the last hour', ['kind', 'step', 'statistic'],
  );
  private readonly queueDepth = this.gauge('freehold_queue_depth', 'Jobs that wait', ['queue']);
  private readonly databases = this.gauge('freehold_databases', 'Databases by state', ['state']);
  private readonly pool = this.gauge('freehold_metadata_connections', 'Connections to the metadata database', ['state']);

  /** No database is named, as the figures are read without a key. The routers' logs name the databases. */
  private readonly refusals = new Counter({
    name: 'freehold_gateway_refusals_total', help: 'Clients refused by gateways since their last start',
    labelNames: ['region', 'reason'], registers: [this.registry],
  });

  constructor(
    private readonly metadata: Metadata,
    private readonly queues: OperationQueues,
    private readonly kinds: OperationRegistry<EntityManager>,
    @Inject(ENGINE) private readonly engine: Engine,
  ) {
    collectDefaultMetrics({ register: this.registry, prefix: 'freehold_' });
  }

  observeRequest(labels: { method: string; route: string; status: string }, seconds: number): void {
    this.requests.observe(labels, seconds);
  }

  async render(): Promise<string> {
    await Promise.allSettled([this.countOperations(), this.timeSteps(), this.countJobs(), this.countDatabases(), this.countRefusals()]);
    const { totalCount, idleCount, waitingCount } = poolOf(this.metadata.dataSource);
    for (const [state, count] of Object.entries({ open: totalCount, idle: idleCount, waiting: waitingCount })) {
      this.pool.set({ state }, count);
    }
    return this.registry.metrics();
  }

  private async countOperations(): Promise<void> {
    const rows = await this.query<{ kind: string; state: string; count: number }>(
      'SELECT kind, state, count(*)::integer AS count FROM operations GROUP BY kind, state',
    );
    this.operations.reset();
    for (const { kind, state, count } of rows) this.operations.set({ kind, state }, count);
  }

  private async timeSteps(): Promise<void> {
    const rows = await this.query<{ kind: string; step: string; median: number; highest: number; count: number }>(
      `SELECT o.kind, s.name AS step, count(*)::integer AS count,
              percentile_cont(0.5) WITHIN GROUP (ORDER BY extract(epoch FROM s.finished_at - s.started_at)) AS median,
              max(extract(epoch FROM s.finished_at - s.started_at))::float AS highest
         FROM operation_steps s JOIN operations o ON o.id = s.operation_id
        WHERE s.state = 'succeeded' AND o.finished_at > now() - interval '1 hour' GROUP BY o.kind, s.name`);
    this.stepSeconds.reset();
    for (const { kind, step, ...statistics } of rows) {
      for (const [statistic, value] of Object.entries(statistics)) this.stepSeconds.set({ kind, step, statistic }, value);
    }
  }

  private async countJobs(): Promise<void> {
    for (const [queue, depth] of Object.entries(await this.queues.depths())) this.queueDepth.set({ queue }, depth);
  }

  private async countDatabases(): Promise<void> {
    const rows = await this.query<StateRow>(
      `SELECT d.plan, d.epoch, d.in_sync, d.provisioned_at, d.deleted_at, ${CHANGE_AND_SIGHT},
              (SELECT json_agg(json_build_object('id', i.id, 'role', i.role, 'state', i.state))
                 FROM instances i WHERE i.database_id = d.id) AS instances
         FROM databases d LEFT JOIN watches w ON w.database_id = d.id WHERE d.purge_at IS NULL OR d.purge_at > now()`);
    this.databases.reset();
    for (const row of rows) this.databases.inc({ state: stateOf(row, (change) => this.kinds.meaningOf(change)).state });
  }

  private async countRefusals(): Promise<void> {
    const signal = AbortSignal.timeout(COUNT_WITHIN_MS);
    const counted = await Promise.allSettled(this.engine.inventory()
      .map(async ({ id }) => ({ region: id, found: (await this.engine.gateway.refusals?.(id, signal)) ?? [] })));
    this.refusals.reset();
    for (const one of counted) {
      if (one.status === 'fulfilled') {
        for (const { reason, count } of one.value.found) this.refusals.inc({ region: one.value.region, reason }, count);
      }
    }
  }

  private query<Row>(statement: string): Promise<Row[]> {
    return queryRows<Row>(this.metadata.dataSource.manager, statement);
  }

  private gauge<Label extends string>(name: string, help: string, labelNames: Label[]): Gauge<Label> {
    return new Gauge({ name, help, labelNames, registers: [this.registry] });
  }
}
