import { declareProblems } from '../problems/problem-types.js';

export const BACKUP_PROBLEMS = declareProblems({
  'backup-not-stored': {
    status: 409,
    title: 'The backup is not stored',
    meaning: 'The backup has no copy from which it could be restored. Choose another one whose copies are `stored`.',
  },
  'restore-out-of-range': {
    status: 422,
    title: 'There is nothing to restore from that time',
    meaning: 'The time is in the future, or before the oldest backup that is kept, and `range` says from when to when a '
      + 'restore is possible; or a restore in place has undone what was written then.',
  },
  'too-many-dumps': {
    status: 429,
    title: 'Too many dumps at once',
    meaning: 'Two dumps of a database are made at once at most. Wait for the end of one.',
  },
});

declare module '../problems/problem-types.js' {
  interface DeclaredProblems extends Record<keyof typeof BACKUP_PROBLEMS, ProblemType> {}
}
