import type { MigrationInterface, QueryRunner } from 'typeorm';

/**
 * People: who signs in, what they prove it with, who was invited, and the mails that tell them.
 *
 * Facts and proofs are two tables, so that a tenant's role can be given the one and nothing of the other. Sessions are not here:
 * they are in Redis, and hold for as long as the epoch that they were begun in is the user's.
 */
export class People1700000000020 implements MigrationInterface {
  readonly name = 'People1700000000020';

  async up(runner: QueryRunner): Promise<void> {
    await runner.query(USERS);
    await runner.query(LETTERS);
    await runner.query(RIGHTS);
  }

  async down(runner: QueryRunner): Promise<void> {
    await runner.query('DROP TABLE mails, password_resets, invitations, recovery_codes, user_credentials, users');
  }
}

const USERS = `
CREATE TABLE users (
  id               text PRIMARY KEY,
  -- Null for an operator.
  customer_id      text REFERENCES customers,
  role             text NOT NULL CHECK (role IN ('owner', 'member', 'operator')),
  email            text NOT NULL,
  -- The address in one form, by which it is found however it is written.
  email_key        text NOT NULL UNIQUE,
  name             text,
  -- Who the user is at the provider where they sign in: its address and its name for them.
  external_id      text UNIQUE,
  disabled_at      timestamptz,
  -- Goes up when all sessions of the user end.
  session_epoch    integer NOT NULL DEFAULT 0,
  created_at       timestamptz NOT NULL DEFAULT now(),
  last_sign_in_at  timestamptz,
  CHECK ((customer_id IS NULL) = (role = 'operator'))
);
CREATE INDEX users_customer ON users (customer_id, id);

CREATE TABLE user_credentials (
  user_id            text PRIMARY KEY REFERENCES users ON DELETE CASCADE,
  -- PBKDF2 with SHA-512, with its rounds and salt; null for who signs in elsewhere.
  verifier           text,
  -- A password that somebody else has seen; it has to be changed before anything else is done.
  one_time           boolean NOT NULL DEFAULT false,
  -- The key of the one-time codes, sealed for the user.
  sealed_totp        bytea,
  totp_confirmed_at  timestamptz,
  -- The time step of the last code that was taken: none is taken twice.
  totp_step          bigint,
  CHECK (totp_confirmed_at IS NULL OR sealed_totp IS NOT NULL)
);

CREATE TABLE recovery_codes (
  user_id  text NOT NULL REFERENCES users ON DELETE CASCADE,
  -- SHA-256 of the code, which has 80 random bits.
  hash     bytea NOT NULL,
  used_at  timestamptz,
  PRIMARY KEY (user_id, hash)
);
`;

const LETTERS = `
CREATE TABLE invitations (
  id           text PRIMARY KEY,
  customer_id  text REFERENCES customers,
  role         text NOT NULL CHECK (role IN ('owner', 'member', 'operator')),
  email        text NOT NULL,
  email_key    text NOT NULL,
  -- SHA-256 of the token, which has 256 random bits.
  hash         bytea NOT NULL UNIQUE,
  invited_by   text NOT NULL,
  created_at   timestamptz NOT NULL DEFAULT now(),
  expires_at   timestamptz NOT NULL,
  accepted_at  timestamptz,
  revoked_at   timestamptz,
  CHECK ((customer_id IS NULL) = (role = 'operator'))
);
CREATE INDEX invitations_customer ON invitations (customer_id, id);

-- One for each that was asked for, whether or not the address is a user's.
CREATE TABLE password_resets (
  hash        bytea PRIMARY KEY,
  email_key   text NOT NULL,
  created_at  timestamptz NOT NULL DEFAULT now(),
  expires_at  timestamptz NOT NULL,
  used_at     timestamptz
);
CREATE INDEX password_resets_expiry ON password_resets (expires_at);

CREATE TABLE mails (
  id           text PRIMARY KEY,
  kind         text NOT NULL,
  recipient    text NOT NULL,
  -- What the mail is made of, a token among it; erased once it is sent, or given up.
  sealed       bytea,
  attempts     integer NOT NULL DEFAULT 0,
  due_at       timestamptz NOT NULL DEFAULT now(),
  created_at   timestamptz NOT NULL DEFAULT now(),
  -- 'dropped': there was nothing to tell.
  outcome      text CHECK (outcome IN ('sent', 'dropped', 'given-up')),
  finished_at  timestamptz,
  error        text,
  CHECK ((outcome IS NULL) = (finished_at IS NULL)),
  CHECK (outcome IS NULL OR sealed IS NULL)
);
CREATE INDEX mails_due ON mails (due_at) WHERE outcome IS NULL;
CREATE INDEX mails_finished ON mails (finished_at) WHERE outcome IS NOT NULL;
`;

/** A tenant sees who its users are and whom it invited, and nothing by which anybody signs in. */
const RIGHTS = `
ALTER TABLE users ENABLE ROW LEVEL SECURITY;
ALTER TABLE user_credentials ENABLE ROW LEVEL SECURITY;
ALTER TABLE recovery_codes ENABLE ROW LEVEL SECURITY;
ALTER TABLE invitations ENABLE ROW LEVEL SECURITY;
ALTER TABLE password_resets ENABLE ROW LEVEL SECURITY;
ALTER TABLE mails ENABLE ROW LEVEL SECURITY;

GRANT SELECT ON users TO freehold_tenant;
GRANT UPDATE (role, disabled_at, session_epoch), DELETE ON users TO freehold_tenant_writer;
GRANT SELECT (id, customer_id, role, email, email_key, invited_by, created_at, expires_at, accepted_at, revoked_at)
   ON invitations TO freehold_tenant;
GRANT INSERT, UPDATE (revoked_at) ON invitations TO freehold_tenant_writer;

CREATE POLICY tenant ON users TO freehold_tenant USING (tenant_sees(customer_id));
CREATE POLICY tenant ON invitations TO freehold_tenant USING (tenant_sees(customer_id));
`;
