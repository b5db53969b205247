/** The rules of the protocol that can be left out, one at a time, to see that the simulation notices. */
export const RULES = ['1', '2', '3a', '3b', '3c', '3d', '4', '5', '6', '7', '8', '9', '10', '11', '12', '13', '14'] as const;
export type Rule = (typeof RULES)[number];

/** Rules that are left out; none in earnest. */
export type RulesOff = ReadonlySet<Rule>;
