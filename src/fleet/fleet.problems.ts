import { declareProblems } from '../problems/problem-types.js';

export const FLEET_PROBLEMS = declareProblems({
  'region-closed': {
    status: 409,
    title: 'The region takes no new databases',
    meaning: 'The region is closed for new databases at present. Choose another one.',
  },
  'unknown-region': {
    status: 422,
    title: 'There is no such region',
    meaning: 'The region does not exist; `errors` lists those that do.',
  },
  'unknown-plan': {
    status: 422,
    title: 'There is no such plan',
    meaning: 'The plan does not exist; `errors` lists those that do.',
  },
  'no-room': {
    status: 503,
    title: 'The region has no room',
    meaning: 'No hosts of the region have room for this plan. Nothing was made. Try again after `Retry-After`.',
  },
});

declare module '../problems/problem-types.js' {
  interface DeclaredProblems extends Record<keyof typeof FLEET_PROBLEMS, ProblemType> {}
}
