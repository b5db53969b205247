import { declareProblems } from '../problems/problem-types.js';

export const MAINTENANCE_PROBLEMS = declareProblems({
  'unknown-host': {
    status: 422,
    title: 'There is no such host',
    meaning: 'The host does not exist, or not in that region. `GET /v1/hosts` lists those that do.',
  },
  'window-not-allowed': {
    status: 422,
    title: 'Maintenance is not allowed then',
    meaning: 'The service level does not allow a maintenance window at that time. `errors` says why, and `nearest` holds the nearest '
      + 'times that are allowed. Ask for one of them; where work cannot wait, send `urgent: true` with a `reason`.',
  },
  'window-over': {
    status: 409,
    title: 'The maintenance window is over',
    meaning: 'What is over cannot be called off.',
  },
});

declare module '../problems/problem-types.js' {
  interface DeclaredProblems extends Record<keyof typeof MAINTENANCE_PROBLEMS, ProblemType> {}
}
