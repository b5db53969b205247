import type { Locale } from '../config/locale-names.js';
import type { LocaleOffer } from '../engine/ports.js';
import { DomainError } from '../problems/domain-problem.js';
import './database.problems.js';

/** Locales that are named in one answer. */
const LOCALES_SHOWN = 50;

export class LocaleNotAvailableError extends DomainError {
  constructor({ provider, name }: Locale, { libc, icu, builtin }: LocaleOffer) {
    const offered = [
      `with provider libc: ${libc.slice(0, LOCALES_SHOWN).join(', ')}`
        + `${libc.length > LOCALES_SHOWN ? ` and ${libc.length - LOCALES_SHOWN} more` : ''}`,
      ...(icu ? ['with provider icu: language tags such as und, de-DE, en-US-u-kn'] : []),
      ...(builtin.length > 0 ? [`with provider builtin: ${builtin.join(', ')}`] : []),
    ].join('; ');
    super('locale-not-available', `the servers do not have the locale "${name}" of the provider ${provider}`, {
      hint: `they have ${offered}`, fields: [{ field: 'locale', message: `is not available; ${offered}` }],
    });
  }
}

export class NameTakenError extends DomainError {
  constructor(name: string, hint = 'choose another name, or delete that database first') {
    super('name-taken', `the customer has a database named "${name}" already`, {
      hint, fields: [{ field: 'name', message: 'is taken' }],
    });
  }
}

export class QuotaExceededError extends DomainError {
  constructor(limit: number, plan?: string) {
    super('quota-exceeded', `the customer has ${limit} databases${plan ? ` of plan "${plan}"` : ''}, which is as many as it may have`, {
      hint: 'delete one that is not needed, or ask for a higher quota',
    });
  }
}

export class CustomerNotFoundError extends DomainError {
  constructor(id: string) {
    super('customer-not-found', `there is no customer "${id}"`, {
      hint: 'sign the customer up first', fields: [{ field: 'customerId', message: 'is not a customer' }],
    });
  }
}

export class DatabaseNotFoundError extends DomainError {
  constructor() {
    super('not-found', 'there is no such database');
  }
}

export class DatabaseNotAvailableError extends DomainError {
  constructor(state: string, why?: string) {
    super('database-not-available', why ? `the database is ${state}, and ${why}` : `the database is ${state}`, {
      hint: 'try again when it is available', extensions: { state },
    });
  }
}

export class DataLossNotAcceptedError extends DomainError {
  constructor(bytesAtRisk: number | null) {
    super('data-loss-not-accepted', `no standby is in sync; ${bytesAtRisk ?? 'an unknown number of'} bytes may be lost`, {
      hint: 'send "acceptDataLoss": true to go on all the same', extensions: { bytesAtRisk },
    });
  }
}

export class DatabaseNotDeletedError extends DomainError {
  constructor() {
    super('database-not-deleted', 'the database is not deleted', { hint: 'restore it in place, or into a new database' });
  }
}

export class RoleTakenError extends DomainError {
  constructor(name: string) {
    super('role-taken', `the database has a role named "${name}" already`, {
      hint: 'choose another name, or ask for a new password of that role', fields: [{ field: 'name', message: 'is taken' }],
    });
  }
}

export class TooManyRolesError extends DomainError {
  constructor(limit: number) {
    super('too-many-roles', `the database has ${limit} roles, which is as many as it may have`, { hint: 'delete one that is not needed' });
  }
}

export class ExtensionRefusedError extends DomainError {
  constructor(name: string, why: string) {
    super('extension-refused', `extension "${name}" is refused: ${why}`, {
      hint: 'see the list of extensions for those that are offered',
    });
  }
}
