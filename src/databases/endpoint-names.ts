/** Databases that PostgreSQL or Freehold has in every cluster; the customer's own may be the one for maintenance. */
const TAKEN = new Set(['template0', 'template1', 'freehold', 'postgres']);
/** Roles that are there already, or words that stand for others in PostgreSQL's commands and files. */
const RESERVED = new Set([
  'public', 'none', 'all', 'replication', 'sameuser', 'samerole', 'samegroup', 'user', 'current_user', 'current_role', 'session_user',
]);

/**
 * What a database and its owner are called inside PostgreSQL. Each has an instance of its own, so that the name itself will do
 * unless PostgreSQL or Freehold needs it; then it has `db_` in front.
 */
export function endpointNameOf(name: string): string {
  const plain = name.replaceAll('-', '_');
  return TAKEN.has(plain) || RESERVED.has(plain) || /^(pg|freehold)_/.test(plain) ? `db_${plain}` : plain;
}
