import { readFileSync } from 'node:fs';
import { isIP } from 'node:net';
import { pipeline } from 'node:stream/promises';
import { Readable } from 'node:stream';
import { PrismaPg } from '@prisma/adapter-pg';
import { eq, sql as drizzleSql } from 'drizzle-orm';
import { drizzle } from 'drizzle-orm/node-postgres';
import { drizzle as drizzleOnPostgresJs } from 'drizzle-orm/postgres-js';
import { bigint, pgTable, text } from 'drizzle-orm/pg-core';
import makeKnex from 'knex';
import pg from 'pg';
import { from as copyFrom } from 'pg-copy-streams';
import postgres from 'postgres';
import { DataTypes, literal, Sequelize } from 'sequelize';
import { DataSource, Table } from 'typeorm';
import { eventually } from '../../support/servers.js';
import { type NpmClient, type NpmDriver, selectAnswer } from './npm-driver.js';
import { valueOf } from './record.js';

/** Read from its folder: not every package exports its own description. */
function versionOf(name: string): string {
  return (JSON.parse(readFileSync(new URL(`../../../node_modules/${name}/package.json`, import.meta.url), 'utf8')) as { version: string }).version;
}

const createSql = (table: string): string => `CREATE TABLE ${table} (id bigint PRIMARY KEY, value text NOT NULL)`;
const insertSql = (table: string): string => `INSERT INTO ${table} (id, value) VALUES ($1, $2)`;
const copySql = (table: string): string => `COPY ${table} (id, value) FROM STDIN`;
const copyLines = (ids: readonly number[]): Readable => Readable.from(ids.map((id) => `${id}\t${valueOf(id)}\n`));

/** The certificate authority that the address names, for drivers that do not read it there. */
function authorityOf(uri: string): { readonly bare: string; readonly ca: string; readonly host: string } {
  const url = new URL(uri);
  const ca = readFileSync(url.searchParams.get('sslrootcert') ?? '', 'utf8');
  const host = url.hostname.replace(/^\[|\]$/g, '');
  url.search = '';
  return { bare: url.href, ca, host };
}

const nodePostgres: NpmDriver = {
  name: 'node-postgres', version: versionOf('pg'), pools: false,
  async connect({ uri, table }, client): Promise<NpmClient> {
    const connection = new pg.Client({ connectionString: uri, connectionTimeoutMillis: 20_000 });
    connection.on('error', () => undefined);
    await connection.connect();
    return {
      create: () => connection.query(createSql(table)),
      insert: (id, value) => connection.query(insertSql(table), [id, value]),
      async insertPair(id, undo) {
        await connection.query('BEGIN');
        for (const row of [id, id + 1]) await connection.query({ name: 'insert', text: insertSql(table), values: [row, valueOf(row)] });
        await connection.query(undo ? 'ROLLBACK' : 'COMMIT');
      },
      find: async (id) => (await connection.query<{ answer: string }>({ name: 's0', text: selectAnswer(table, client), values: [id] })).rows[0]?.answer,
      copy: (ids) => pipeline(copyLines(ids), connection.query(copyFrom(copySql(table)))),
      async notify(message) {
        const heard = new Promise<string>((resolve) => void connection.once('notification', ({ payload }) => resolve(payload ?? '')));
        await connection.query('LISTEN news');
        await connection.query(`SELECT pg_notify('news', $1)`, [message]);
        return heard;
      },
      close: () => connection.end(),
    };
  },
};

const postgresJs: NpmDriver = {
  name: 'postgres.js', version: versionOf('postgres'), pools: true,
  async connect({ uri, table }, client): Promise<NpmClient> {
    const { sql, untilCut } = openPostgresJs(uri);
    return {
      create: () => sql.unsafe(createSql(table)),
      insert: (id, value) => sql`INSERT INTO ${sql(table)} ${sql({ id, value })}`,
      insertPair: (id, undo) => untilCut(sql.begin(async (tx) => {
        for (const row of [id, id + 1]) await tx`INSERT INTO ${tx(table)} ${tx({ id: row, value: valueOf(row) })}`;
        if (undo) throw new Undone();
      })).catch(unlessUndone),
      find: async (id) => (await sql.unsafe<{ answer: string }[]>(selectAnswer(table, client), [id], { prepare: true }))[0]?.answer,
      copy: async (ids) => pipeline(copyLines(ids), await sql.unsafe(copySql(table)).writable()),
      async notify(message) {
        const heard: string[] = [];
        await sql.listen('news', (payload) => heard.push(payload));
        await sql.notify('news', message);
        return eventually(() => heard[0]);
      },
      close: () => sql.end({ timeout: 5 }),
    };
  },
};

/**
 * As docs/connect.md advises: `sslrootcert` it would pass on to the server, which knows no such setting. In a transaction whose
 * connection is cut it writes to what is closed and waits for ever: {@link isKnownFault}.
 */
function openPostgresJs(uri: string): { readonly sql: postgres.Sql; readonly untilCut: <T>(transaction: Promise<T>) => Promise<T> } {
  const { bare, ca, host } = authorityOf(uri);
  let cut = (): void => undefined;
  const sql = postgres(bare, { ssl: { ca, ...(isIP(host) ? { servername: host } : {}) }, onclose: () => cut() });
  return {
    sql,
    untilCut: (transaction) => Promise.race([transaction, new Promise<never>((_resolve, reject) => {
      cut = () => reject(new Error('the connection was closed'));
    })]),
  };
}

/**
 * postgres.js 3.4 throws where no program can catch it when a connection ends in a transaction:
 * https://github.com/porsager/postgres/issues/1208
 */
export const isKnownFault = ({ stack = '' }: Error): boolean => /nextWrite .*postgres\/src\/connection\.js/.test(stack);

class Undone extends Error {}
const unlessUndone = (error: unknown): void => {
  if (!(error instanceof Undone)) throw error;
};

const rowsOf = (table: string) => pgTable(table, { id: bigint({ mode: 'number' }).primaryKey(), value: text().notNull() });

const drizzleOnPg: NpmDriver = {
  name: 'drizzle (pg)', version: versionOf('drizzle-orm'), pools: true,
  async connect({ uri, table }, client): Promise<NpmClient> {
    const db = drizzle(uri);
    // As docs/connect.md advises: in a transaction the pool listens for no error of the connection, and it would end the program.
    db.$client.on('error', () => undefined);
    db.$client.on('connect', (connection) => void connection.on('error', () => undefined));
    const rows = rowsOf(table);
    const found = db.select({ answer: drizzleSql<string>`${rows.value} || ${drizzleSql.raw(`' for ${client}'`)}` }).from(rows).where(eq(rows.id, drizzleSql.placeholder('id'))).prepare('s0');
    return {
      create: () => db.execute(createSql(table)),
      insert: (id, value) => db.insert(rows).values({ id, value }),
      insertPair: (id, undo) => db.transaction(async (tx) => {
        await tx.insert(rows).values([id, id + 1].map((row) => ({ id: row, value: valueOf(row) })));
        if (undo) throw new Undone();
      }).catch(unlessUndone),
      find: async (id) => (await found.execute({ id }))[0]?.answer,
      close: () => db.$client.end(),
    };
  },
};

const drizzleOnPostgres: NpmDriver = {
  name: 'drizzle (postgres.js)', version: versionOf('drizzle-orm'), pools: true,
  async connect({ uri, table }, client): Promise<NpmClient> {
    const { sql, untilCut } = openPostgresJs(uri);
    const db = drizzleOnPostgresJs(sql);
    const rows = rowsOf(table);
    const found = db.select({ answer: drizzleSql<string>`${rows.value} || ${drizzleSql.raw(`' for ${client}'`)}` }).from(rows).where(eq(rows.id, drizzleSql.placeholder('id'))).prepare('s0');
    return {
      create: () => db.execute(createSql(table)),
      insert: (id, value) => db.insert(rows).values({ id, value }),
      insertPair: (id, undo) => untilCut(db.transaction(async (tx) => {
        await tx.insert(rows).values([id, id + 1].map((row) => ({ id: row, value: valueOf(row) })));
        if (undo) throw new Undone();
      })).catch(unlessUndone),
      find: async (id) => (await found.execute({ id }))[0]?.answer,
      close: () => sql.end({ timeout: 5 }),
    };
  },
};

/** The part of Prisma that talks to PostgreSQL; a client that `prisma generate` makes sits on top of it. */
const prismaAdapter: NpmDriver = {
  name: 'Prisma (adapter-pg)', version: versionOf('@prisma/adapter-pg'), pools: true,
  async connect({ uri, table }, client): Promise<NpmClient> {
    const texts: string[] = [];
    const statementNameGenerator = ({ sql }: { readonly sql: string }): string => `s${texts.includes(sql) ? texts.indexOf(sql) : texts.push(sql) - 1}`;
    const adapter = await new PrismaPg({ connectionString: uri }, { statementNameGenerator }).connect();
    const argTypes = [{ scalarType: 'bigint', arity: 'scalar' }, { scalarType: 'string', arity: 'scalar' }] as const;
    const write = (id: number, value: string) => ({ sql: insertSql(table), args: [id, value], argTypes: [...argTypes] });
    return {
      create: () => adapter.executeScript(createSql(table)),
      insert: (id, value) => adapter.executeRaw(write(id, value)),
      async insertPair(id, undo) {
        const tx = await adapter.startTransaction();
        try {
          for (const row of [id, id + 1]) await tx.executeRaw(write(row, valueOf(row)));
          // Prisma's client ends it by a statement of its own, and only then tells the adapter.
          if (!tx.options.usePhantomQuery) await tx.executeRaw({ sql: undo ? 'ROLLBACK' : 'COMMIT', args: [], argTypes: [] });
        } catch (error) {
          await tx.rollback();
          throw error;
        }
        await (undo ? tx.rollback() : tx.commit());
      },
      async find(id) {
        const { rows } = await adapter.queryRaw({ sql: selectAnswer(table, client), args: [id], argTypes: [argTypes[0]] });
        return rows[0]?.[0] as string | undefined;
      },
      close: () => adapter.dispose(),
    };
  },
};

const typeorm: NpmDriver = {
  name: 'TypeORM', version: versionOf('typeorm'), pools: true,
  async connect({ uri, table }, client): Promise<NpmClient> {
    const { bare, ca } = authorityOf(uri);
    const source = await new DataSource({ type: 'postgres', url: bare, ssl: { ca } }).initialize();
    const columns = [{ name: 'id', type: 'bigint', isPrimary: true }, { name: 'value', type: 'text' }];
    return {
      create: () => source.createQueryRunner().createTable(new Table({ name: table, columns })),
      insert: (id, value) => source.createQueryBuilder().insert().into(table, ['id', 'value']).values({ id, value }).execute(),
      insertPair: (id, undo) => source.transaction(async (tx) => {
        for (const row of [id, id + 1]) await tx.query(insertSql(table), [row, valueOf(row)]);
        if (undo) throw new Undone();
      }).catch(unlessUndone),
      find: async (id) => (await source.query<{ answer: string }[]>(selectAnswer(table, client), [id]))[0]?.answer,
      close: () => source.destroy(),
    };
  },
};

const knex: NpmDriver = {
  name: 'Knex', version: versionOf('knex'), pools: true,
  async connect({ uri, table }, client): Promise<NpmClient> {
    const db = makeKnex({ client: 'pg', connection: uri, log: { warn: () => undefined } });
    return {
      create: () => db.schema.createTable(table, (columns) => {
        columns.bigInteger('id').primary();
        columns.text('value').notNullable();
      }),
      insert: (id, value) => db(table).insert({ id, value }),
      insertPair: (id, undo) => db.transaction(async (tx) => {
        await tx(table).insert([id, id + 1].map((row) => ({ id: row, value: valueOf(row) })));
        if (undo) throw new Undone();
      }).catch(unlessUndone),
      find: async (id) => (await db(table).where({ id }).select<{ answer: string }[]>(db.raw(`value || ' for ${client}' AS answer`)))[0]?.answer,
      close: () => db.destroy(),
    };
  },
};

const sequelize: NpmDriver = {
  name: 'Sequelize', version: versionOf('sequelize'), pools: true,
  async connect({ uri, table }, client): Promise<NpmClient> {
    const db = new Sequelize(uri, { logging: false });
    const Row = db.define('Row', { id: { type: DataTypes.BIGINT, primaryKey: true }, value: { type: DataTypes.TEXT, allowNull: false } }, { tableName: table, timestamps: false });
    return {
      create: () => Row.sync(),
      insert: (id, value) => Row.create({ id, value }),
      insertPair: (id, undo) => db.transaction(async (transaction) => {
        for (const row of [id, id + 1]) await Row.create({ id: row, value: valueOf(row) }, { transaction });
        if (undo) throw new Undone();
      }).catch(unlessUndone),
      async find(id) {
        const row = await Row.findOne({ where: { id }, attributes: [[literal(`value || ' for ${client}'`), 'answer']] });
        return row?.get('answer') as string | undefined;
      },
      close: () => db.close(),
    };
  },
};

export const NPM_DRIVERS: readonly NpmDriver[] = [nodePostgres, postgresJs, drizzleOnPg, drizzleOnPostgres, prismaAdapter, typeorm, knex, sequelize];
