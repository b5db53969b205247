import type { MigrationInterface, QueryRunner } from 'typeorm';

/**
 * The audit is only ever added to, and its entries form a chain of hashes.
 *
 * An entry's place lies in a table of its own: it is given by one worker after the change has committed, so that changes do not
 * wait for each other. An entry and its place are written once; a trigger refuses anything else, also to the owner and to
 * superusers, and in sessions that switch other triggers off. Who may alter the tables can remove the trigger, which
 * `freehold audit verify` is for.
 */
export class AuditChain1700000000023 implements MigrationInterface {
  readonly name = 'AuditChain1700000000023';

  async up(runner: QueryRunner): Promise<void> {
    await runner.query(`
      CREATE TABLE audit_chain (
        event_id    text PRIMARY KEY,
        -- Made by the control plane with a key of its own; null for entries of before there were any, which come first.
        seal        bytea,
        sequence    bigint UNIQUE,
        hash        bytea,
        chained_at  timestamptz,
        CHECK ((sequence IS NULL) = (hash IS NULL)),
        CHECK ((sequence IS NULL) = (chained_at IS NULL))
      );
      CREATE INDEX audit_chain_waiting ON audit_chain ((seal IS NOT NULL), event_id) WHERE sequence IS NULL;
      INSERT INTO audit_chain (event_id) SELECT id FROM audit_events;

      -- One row: who holds its lock writes the chain.
      CREATE TABLE audit_chain_head (
        only_one       boolean PRIMARY KEY DEFAULT true CHECK (only_one),
        sequence       bigint NOT NULL,
        hash           bytea NOT NULL,
        published      bigint NOT NULL DEFAULT 0,
        published_at   timestamptz,
        verified_at    timestamptz NOT NULL DEFAULT now()
      );
      INSERT INTO audit_chain_head (sequence, hash) VALUES (0, decode(repeat('00', 32), 'hex'));

      CREATE INDEX audit_events_subject ON audit_events (subject_id, id);
      CREATE INDEX audit_events_actor ON audit_events (actor, id);
      CREATE INDEX audit_events_operation ON audit_events (operation_id) WHERE operation_id IS NOT NULL;

      CREATE FUNCTION refuse_audit_change() RETURNS trigger LANGUAGE plpgsql AS $$
      BEGIN
        RAISE EXCEPTION 'the audit is only ever added to' USING ERRCODE = 'insufficient_privilege';
      END $$;
      CREATE TRIGGER append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON audit_events
        FOR EACH STATEMENT EXECUTE FUNCTION refuse_audit_change();
      CREATE TRIGGER append_only BEFORE DELETE OR TRUNCATE ON audit_chain
        FOR EACH STATEMENT EXECUTE FUNCTION refuse_audit_change();
      CREATE TRIGGER chained_once BEFORE UPDATE ON audit_chain FOR EACH ROW
        WHEN (OLD.sequence IS NOT NULL OR (NEW.event_id, NEW.seal) IS DISTINCT FROM (OLD.event_id, OLD.seal))
        EXECUTE FUNCTION refuse_audit_change();
      CREATE TRIGGER append_only BEFORE DELETE OR TRUNCATE ON audit_chain_head
        FOR EACH STATEMENT EXECUTE FUNCTION refuse_audit_change();
      ALTER TABLE audit_events ENABLE ALWAYS TRIGGER append_only;
      ALTER TABLE audit_chain ENABLE ALWAYS TRIGGER append_only;
      ALTER TABLE audit_chain ENABLE ALWAYS TRIGGER chained_once;
      ALTER TABLE audit_chain_head ENABLE ALWAYS TRIGGER append_only;

      ALTER TABLE audit_chain ENABLE ROW LEVEL SECURITY;
      GRANT SELECT (event_id, sequence, hash) ON audit_chain TO freehold_tenant;
      CREATE POLICY tenant ON audit_chain TO freehold_tenant USING (EXISTS (SELECT FROM audit_events WHERE audit_events.id = event_id))`);
  }

  async down(runner: QueryRunner): Promise<void> {
    await runner.query(`
      DROP TRIGGER append_only ON audit_events;
      DROP TABLE audit_chain, audit_chain_head;
      DROP FUNCTION refuse_audit_change();
      DROP INDEX audit_events_subject, audit_events_actor, audit_events_operation`);
  }
}
