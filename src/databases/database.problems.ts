import { declareProblems } from '../problems/problem-types.js';

export const DATABASE_PROBLEMS = declareProblems({
  'invalid-name': {
    status: 400,
    title: 'The name is not valid',
    meaning: 'The name of a database has 1 to 40 lower-case letters, digits and hyphens and begins with a letter. Choose '
      + 'another name.',
  },
  'customer-not-found': {
    status: 404,
    title: 'There is no such customer',
    meaning: 'The customer does not exist, or this credential cannot see it. Sign the customer up first.',
  },
  'name-taken': {
    status: 409,
    title: 'The name is taken',
    meaning: 'The customer has a database of that name that is not deleted. Choose another name.',
  },
  'role-taken': {
    status: 409,
    title: 'There is a role of that name',
    meaning: 'The database has a role of that name, which may be its owner. Choose another name, or ask for a new password '
      + 'of that role.',
  },
  'too-many-roles': {
    status: 409,
    title: 'The database has as many roles as it may have',
    meaning: 'A database has 20 roles beside its owner at most. Delete one that is not needed.',
  },
  'quota-exceeded': {
    status: 409,
    title: 'The quota is used up',
    meaning: 'The customer has as many databases as it may have. Delete one, or ask for a higher quota.',
  },
  'database-not-available': {
    status: 409,
    title: 'The database is not available',
    meaning: 'The database is in a state in which this cannot be done; `state` names it.',
  },
  'data-loss-not-accepted': {
    status: 409,
    title: 'The failover could lose data',
    meaning: 'No standby is recorded in sync. `bytesAtRisk` says how much may be lost; send `acceptDataLoss: true` to go '
      + 'on all the same.',
  },
  'database-not-deleted': {
    status: 409,
    title: 'The database is not deleted',
    meaning: 'Only a deleted database can be brought back. Restore this one in place, or into a new database.',
  },
  'locale-not-available': {
    status: 422,
    title: 'The locale is not available',
    meaning: 'The servers do not have this locale, or not from this provider; `errors` says what they have. Choose another '
      + 'one, or leave `locale` and `provider` out.',
  },
  'extension-refused': {
    status: 422,
    title: 'The extension is refused',
    meaning: 'The extension is not offered in databases here, or cannot be taken away; `detail` says why. The list of '
      + 'extensions shows which are offered.',
  },
});

declare module '../problems/problem-types.js' {
  interface DeclaredProblems extends Record<keyof typeof DATABASE_PROBLEMS, ProblemType> {}
}
