import type { MigrationInterface, QueryRunner } from 'typeorm';

/** The metadata schema: the fleet, the tenants, their databases, and the operations that change them. */
export class Spine1700000000001 implements MigrationInterface {
  readonly name = 'Spine1700000000001';

  async up(runner: QueryRunner): Promise<void> {
    await runner.query(FLEET);
    await runner.query(TENANTS);
    await runner.query(DATABASES);
    await runner.query(OPERATIONS);
    await runner.query(REQUESTS);
    await runner.query(ROW_LEVEL_SECURITY);
  }

  async down(): Promise<void> {
    throw new Error('the first migration is not reverted: drop the metadata database instead');
  }
}

const FLEET = `
CREATE TABLE regions (
  id         text PRIMARY KEY,
  name       text NOT NULL,
  time_zone  text NOT NULL,
  position   integer NOT NULL
);

CREATE TABLE data_centers (
  id         text PRIMARY KEY,
  region_id  text NOT NULL REFERENCES regions,
  name       text NOT NULL
);
CREATE INDEX data_centers_region ON data_centers (region_id);

CREATE TABLE hosts (
  id              text PRIMARY KEY,
  data_center_id  text NOT NULL REFERENCES data_centers,
  address         text NOT NULL,
  storage_id      text NOT NULL,
  memory_mb       integer NOT NULL CHECK (memory_mb > 0),
  state           text NOT NULL DEFAULT 'active' CHECK (state IN ('active', 'draining', 'lost'))
);
CREATE INDEX hosts_data_center ON hosts (data_center_id);
`;

const TENANTS = `
CREATE TABLE api_keys (
  id            text PRIMARY KEY,
  name          text NOT NULL,
  -- SHA-256 of the key: a key has 256 random bits, so a slow hash would add nothing.
  hash          bytea NOT NULL UNIQUE,
  scopes        text[] NOT NULL CHECK (cardinality(scopes) > 0),
  customer_id   text,
  created_at    timestamptz NOT NULL DEFAULT now(),
  expires_at    timestamptz,
  revoked_at    timestamptz,
  last_used_at  timestamptz
);
CREATE INDEX api_keys_customer ON api_keys (customer_id, id);

CREATE TABLE customers (
  id          text PRIMARY KEY,
  name        text NOT NULL,
  email       text NOT NULL,
  -- The API key that signed the customer up; a key with the scope provision reads what it created.
  created_by  text NOT NULL,
  created_at  timestamptz NOT NULL DEFAULT now()
);
CREATE INDEX customers_created_by ON customers (created_by, id);
ALTER TABLE api_keys ADD FOREIGN KEY (customer_id) REFERENCES customers;
`;

const DATABASES = `
CREATE SEQUENCE unix_accounts MINVALUE 1 MAXVALUE 60000 CYCLE;

CREATE TABLE databases (
  id                 text PRIMARY KEY,
  customer_id        text NOT NULL REFERENCES customers,
  name               text NOT NULL CHECK (name ~ '^[a-z][a-z0-9-]{0,39}$'),
  region_id          text NOT NULL REFERENCES regions,
  plan               text NOT NULL,
  postgres_version   text,
  -- Goes up by one at each promotion, in the transaction that records it.
  epoch              integer NOT NULL DEFAULT 1,
  -- The instances recorded in sync: R of protocol rule 3.
  in_sync            text[] NOT NULL DEFAULT '{}',
  automation_paused  text,
  endpoint_database  text NOT NULL,
  endpoint_user      text NOT NULL,
  owner_verifier     text NOT NULL,
  unix_account       integer NOT NULL,
  sealed_secrets     bytea,
  provisioned_at     timestamptz,
  created_at         timestamptz NOT NULL DEFAULT now(),
  deleted_at         timestamptz,
  purge_at           timestamptz,
  CHECK ((deleted_at IS NULL) = (purge_at IS NULL)),
  UNIQUE (region_id, endpoint_database)
);
CREATE UNIQUE INDEX databases_name ON databases (customer_id, name) WHERE deleted_at IS NULL;
CREATE UNIQUE INDEX databases_unix_account ON databases (unix_account) WHERE deleted_at IS NULL;
CREATE INDEX databases_customer ON databases (customer_id, id);

CREATE TABLE instances (
  id           text PRIMARY KEY,
  database_id  text NOT NULL REFERENCES databases,
  host_id      text NOT NULL REFERENCES hosts,
  role         text NOT NULL CHECK (role IN ('primary', 'standby')),
  state        text NOT NULL CHECK (state IN ('starting', 'running', 'fenced', 'lost', 'rebuilding')),
  address      text NOT NULL,
  port         integer,
  lag_bytes    bigint,
  lag_seconds  double precision,
  created_at   timestamptz NOT NULL DEFAULT now(),
  UNIQUE (database_id, host_id)
);
-- Never two primaries of one database, not even on paper.
CREATE UNIQUE INDEX instances_one_primary ON instances (database_id) WHERE role = 'primary';
CREATE INDEX instances_host ON instances (host_id);
`;

const OPERATIONS = `
-- Whatever operations act on; the token goes up with every step taken (protocol rule 1).
CREATE TABLE subjects (
  id     text PRIMARY KEY,
  token  bigint NOT NULL DEFAULT 0
);

CREATE TABLE operations (
  id                   text PRIMARY KEY,
  kind                 text NOT NULL,
  subject_id           text,
  owner_id             text,
  -- The subject whose token guards the effects: the subject of an exclusive operation, else the operation itself.
  fence_id             text NOT NULL REFERENCES subjects,
  exclusive            boolean NOT NULL,
  queue                text NOT NULL,
  state                text NOT NULL DEFAULT 'pending' CHECK (state IN ('pending', 'running', 'succeeded', 'failed', 'cancelled')),
  -- 'back' while compensation undoes what nobody owns.
  direction            text NOT NULL DEFAULT 'forward' CHECK (direction IN ('forward', 'back')),
  step                 text NOT NULL,
  attempt              integer NOT NULL DEFAULT 0,
  input                jsonb NOT NULL,
  found                jsonb NOT NULL DEFAULT '{}',
  sealed               bytea,
  error                jsonb,
  lease_owner          text,
  lease_until          timestamptz,
  due_at               timestamptz NOT NULL DEFAULT now(),
  enqueued_at          timestamptz,
  step_deadline_at     timestamptz NOT NULL,
  deadline_at          timestamptz NOT NULL,
  cancel_requested_by  text,
  requested_by         text NOT NULL,
  request_id           text,
  created_at           timestamptz NOT NULL DEFAULT now(),
  started_at           timestamptz,
  finished_at          timestamptz,
  CHECK ((lease_owner IS NULL) = (lease_until IS NULL)),
  CHECK ((finished_at IS NULL) = (state IN ('pending', 'running')))
);
-- One exclusive change at a time per database.
CREATE UNIQUE INDEX operations_one_exclusive ON operations (subject_id) WHERE exclusive AND state IN ('pending', 'running');
CREATE INDEX operations_due ON operations (due_at) WHERE state IN ('pending', 'running');
CREATE INDEX operations_subject ON operations (subject_id, id);
CREATE INDEX operations_owner ON operations (owner_id, id);
CREATE INDEX operations_sealed ON operations (created_at) WHERE sealed IS NOT NULL;

CREATE TABLE operation_steps (
  operation_id  text NOT NULL REFERENCES operations ON DELETE CASCADE,
  position      integer NOT NULL,
  name          text NOT NULL,
  state         text NOT NULL DEFAULT 'pending' CHECK (state IN ('pending', 'running', 'succeeded', 'failed', 'skipped')),
  attempts      integer NOT NULL DEFAULT 0,
  started_at    timestamptz,
  finished_at   timestamptz,
  detail        jsonb,
  PRIMARY KEY (operation_id, position),
  UNIQUE (operation_id, name)
);

CREATE TABLE operation_events (
  id            bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  operation_id  text NOT NULL REFERENCES operations ON DELETE CASCADE,
  document      json NOT NULL
);
CREATE INDEX operation_events_operation ON operation_events (operation_id, id);

CREATE TABLE alerts (
  id            text PRIMARY KEY,
  -- What the alert is about; at most one open alert for each.
  key           text NOT NULL,
  kind          text NOT NULL,
  severity      text NOT NULL CHECK (severity IN ('warning', 'critical')),
  subject_id    text,
  operation_id  text,
  message       text NOT NULL,
  opened_at     timestamptz NOT NULL DEFAULT now(),
  resolved_at   timestamptz
);
CREATE UNIQUE INDEX alerts_open ON alerts (key) WHERE resolved_at IS NULL;
CREATE INDEX alerts_order ON alerts ((resolved_at IS NOT NULL), id DESC);
`;

const REQUESTS = `
CREATE TABLE idempotency_records (
  credential_id  text NOT NULL,
  key            text NOT NULL,
  request_hash   bytea NOT NULL,
  status         integer,
  -- The answer, sealed under the master key: it may carry a password.
  sealed_body    bytea,
  created_at     timestamptz NOT NULL DEFAULT now(),
  PRIMARY KEY (credential_id, key)
);
CREATE INDEX idempotency_records_age ON idempotency_records (created_at);

CREATE TABLE audit_events (
  id           text PRIMARY KEY,
  at           timestamptz NOT NULL DEFAULT now(),
  actor        text NOT NULL,
  action       text NOT NULL,
  subject_id   text,
  customer_id  text,
  request_id   text,
  detail       jsonb NOT NULL DEFAULT '{}'
);
CREATE INDEX audit_events_customer ON audit_events (customer_id, id);
`;

/**
 * The second belt of tenant isolation. The first is the scope that every query takes; should one forget it, a tenant's
 * transaction runs as freehold_tenant and still sees its own rows alone.
 */
const ROW_LEVEL_SECURITY = `
DO $$ BEGIN
  CREATE ROLE freehold_tenant NOLOGIN;
EXCEPTION WHEN duplicate_object OR unique_violation THEN NULL;
END $$;
DO $$ BEGIN
  EXECUTE format('GRANT freehold_tenant TO %I', current_user);
  EXECUTE format('GRANT USAGE ON SCHEMA %I TO freehold_tenant', current_schema());
END $$;

CREATE FUNCTION tenant_sees(customer text) RETURNS boolean LANGUAGE sql STABLE AS $$
  SELECT customer = current_setting('freehold.customer', true)
      OR EXISTS (
        SELECT FROM customers
         WHERE id = customer
           AND created_by = nullif(current_setting('freehold.creator', true), ''))
$$;

GRANT SELECT ON regions, data_centers, hosts TO freehold_tenant;
GRANT SELECT, INSERT ON customers TO freehold_tenant;
GRANT SELECT ON databases, instances, operations, operation_steps, operation_events, audit_events TO freehold_tenant;
GRANT SELECT, INSERT, UPDATE ON api_keys TO freehold_tenant;

ALTER TABLE customers ENABLE ROW LEVEL SECURITY;
ALTER TABLE databases ENABLE ROW LEVEL SECURITY;
ALTER TABLE instances ENABLE ROW LEVEL SECURITY;
ALTER TABLE operations ENABLE ROW LEVEL SECURITY;
ALTER TABLE operation_steps ENABLE ROW LEVEL SECURITY;
ALTER TABLE operation_events ENABLE ROW LEVEL SECURITY;
ALTER TABLE api_keys ENABLE ROW LEVEL SECURITY;
ALTER TABLE audit_events ENABLE ROW LEVEL SECURITY;

CREATE POLICY tenant ON customers TO freehold_tenant
  USING (id = current_setting('freehold.customer', true)
         OR created_by = nullif(current_setting('freehold.creator', true), ''));
CREATE POLICY tenant ON databases TO freehold_tenant USING (tenant_sees(customer_id));
CREATE POLICY tenant ON instances TO freehold_tenant
  USING (EXISTS (SELECT FROM databases WHERE databases.id = database_id));
CREATE POLICY tenant ON operations TO freehold_tenant USING (tenant_sees(owner_id));
CREATE POLICY tenant ON operation_steps TO freehold_tenant
  USING (EXISTS (SELECT FROM operations WHERE operations.id = operation_id));
CREATE POLICY tenant ON operation_events TO freehold_tenant
  USING (EXISTS (SELECT FROM operations WHERE operations.id = operation_id));
CREATE POLICY tenant ON api_keys TO freehold_tenant USING (tenant_sees(customer_id));
CREATE POLICY tenant ON audit_events TO freehold_tenant USING (tenant_sees(customer_id));
`;
