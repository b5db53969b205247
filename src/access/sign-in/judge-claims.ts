/** Who somebody is, as a provider says it. */
export interface ProvedOperator {
  /** The provider's address and its name for them, by which they are known again. */
  readonly externalId: string;
  readonly email: string;
  readonly name: string | null;
}

/** Which claim makes an operator. */
export interface OperatorClaim {
  readonly issuer: string;
  readonly claim: string;
  readonly value: string;
}

/**
 * Whether what a provider claims of somebody makes them an operator: the claim is the value, or a list that holds it, and they have an
 * e-mail address that the provider has not called unverified. Undefined for anybody else.
 */
export function judgeClaims(
  claims: Readonly<Record<string, unknown>>, { issuer, claim, value }: OperatorClaim,
): ProvedOperator | undefined {
  const { sub, email, email_verified: verified, name } = claims;
  const said = claims[claim];
  const isOperator = said === value || (Array.isArray(said) && said.includes(value));
  if (!isOperator || typeof sub !== 'string' || typeof email !== 'string' || verified === false || !/^[^\s@]+@[^\s@]+$/.test(email)) {
    return undefined;
  }
  return { externalId: `${issuer}#${sub}`, email, name: typeof name === 'string' ? name : null };
}
