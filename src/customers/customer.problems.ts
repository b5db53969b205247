import { declareProblems } from '../problems/problem-types.js';

export const CUSTOMER_PROBLEMS = declareProblems({
  'invalid-email': {
    status: 400,
    title: 'The e-mail address is not valid',
    meaning: 'The text does not have the form of an e-mail address, such as `ada@example.com`. Mend it and send the '
      + 'request again.',
  },
});

declare module '../problems/problem-types.js' {
  interface DeclaredProblems extends Record<keyof typeof CUSTOMER_PROBLEMS, ProblemType> {}
}
