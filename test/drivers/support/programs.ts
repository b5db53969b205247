import { join } from 'node:path';
import type { ProgramDriver } from './program-driver.js';

/** Debian's own Python: another in the path would not see Debian's packages. */
const python = (name: string, script: string, needs: string): ProgramDriver => ({ name, command: ['/usr/bin/python3', `python/${script}.py`], needs });
const ruby = (name: string, script: string, needs: string): ProgramDriver => ({ name, command: ['ruby', `ruby/${script}.rb`], needs });

const JDBC = '/usr/share/java/postgresql.jar';

/**
 * What is compiled is put into the folder. Debian's packages of each; Go's drivers come from its modules, since Debian 12 has none of pgx 5.
 */
export function programs(folder: string): readonly ProgramDriver[] {
  const made = join(folder, 'go-drivers');
  const go = { needs: 'golang-go, 1.25 or later, with access to its modules', build: ['go', 'build', '-C', 'go', '-o', made, '.'] };
  return [
    python('psycopg 2', 'psycopg2_trial', 'python3-psycopg2'),
    python('psycopg 3', 'psycopg3_trial', 'python3-psycopg'),
    python('asyncpg', 'asyncpg_trial', 'python3-asyncpg'),
    python('SQLAlchemy', 'sqlalchemy_trial', 'python3-sqlalchemy python3-psycopg2'),
    python('Django', 'django_trial', 'python3-django python3-psycopg2'),
    {
      name: 'JDBC', build: ['javac', '-cp', JDBC, '-d', folder, 'java/JdbcTrial.java'], command: ['java', '-cp', `${JDBC}:${folder}`, 'JdbcTrial'],
      needs: 'default-jdk-headless libpostgresql-jdbc-java',
    },
    ruby('Ruby pg', 'pg_trial', 'ruby-pg'),
    ruby('ActiveRecord', 'active_record_trial', 'ruby-activerecord ruby-pg'),
    { name: 'PHP PDO', command: ['php', 'php/pdo_trial.php'], needs: 'php-cli php-pgsql' },
    { name: 'lib/pq', command: [made, 'pq'], ...go },
    { name: 'pgx', command: [made, 'pgx'], ...go },
  ];
}
