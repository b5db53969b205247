/**
 * How far a reader sees, decided once from who is acting: everything, one customer's things, or the things of the
 * customers that one API key signed up. Every read of tenants' rows takes one; a query that lacks it does not compile.
 */
export type Reach =
  | { readonly sees: 'everything' }
  | { readonly sees: 'customer'; readonly customerId: string }
  | { readonly sees: 'created-by'; readonly credentialId: string };

export const EVERYTHING: Reach = { sees: 'everything' };

/** A condition for a WHERE clause, with the one parameter that it may need. */
export interface ReachCondition {
  readonly condition: string;
  readonly parameters: readonly string[];
}

/**
 * The first belt of tenant isolation: the condition that keeps a query within the reach.
 *
 * @param column the column that holds the customer's id
 * @param parameter the number of the statement's first free parameter
 */
export function confineTo(reach: Reach, column: string, parameter: number): ReachCondition {
  switch (reach.sees) {
    case 'everything':
      return { condition: 'true', parameters: [] };
    case 'customer':
      return { condition: `${column} = $${parameter}`, parameters: [reach.customerId] };
    case 'created-by':
      return {
        condition: `${column} IN (SELECT id FROM customers WHERE created_by = $${parameter})`,
        parameters: [reach.credentialId],
      };
  }
}
