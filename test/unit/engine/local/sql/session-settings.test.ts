import { describe, expect, it } from 'vitest';

import { sessionOptions, sessionSettings, transactionSettings } from '../../../../../src/engine/local/sql/session-settings.js';

describe('the settings of a session in a tenant\'s server', () => {
  it('are given as words that libpq splits at blanks only', () => {
    const options = sessionOptions({ version: '15.18', superuser: true, settings: { application_name: 'a b\\c' } });
    expect(options).toContain('-c search_path=pg_catalog,pg_temp ');
    expect(options).toContain('-c default_transaction_isolation=read\\ committed ');
    expect(options).toContain('-c application_name=a\\ b\\\\c');
  });

  it('are those that the major knows, and that the role may set', () => {
    expect(sessionSettings({ version: '15.18', superuser: true })).not.toHaveProperty('transaction_timeout');
    expect(sessionSettings({ version: '17.5', superuser: true })).toMatchObject({ transaction_timeout: '0', session_replication_role: 'origin' });
    expect(sessionSettings({ version: '17.5', superuser: false })).not.toHaveProperty('session_replication_role');
    // Servers of several majors run side by side: what only one of them knows would end a session with another.
    expect(sessionSettings({ superuser: true })).toEqual(sessionSettings({ version: '15.18', superuser: true }));
    expect(sessionSettings({ version: '15.18', superuser: false, left: ['search_path'] })).not.toHaveProperty('search_path');
  });

  it('come first in a transaction, the time-outs before all others', () => {
    const [first, ...rest] = transactionSettings('15.18');
    expect(first).toBe(`SET LOCAL statement_timeout = '0'`);
    expect(transactionSettings('17.5').slice(0, 2)).toEqual([first, `SET LOCAL transaction_timeout = '0'`]);
    expect(rest).toContain(`SET LOCAL search_path = 'pg_catalog', 'pg_temp'`);
    expect(rest).toContain(`SET LOCAL role = 'none'`);
    expect(rest.some((statement) => statement.includes('default_transaction') || statement.includes('local_preload'))).toBe(false);
  });
});
