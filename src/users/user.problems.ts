import { declareProblems } from '../problems/problem-types.js';

export const USER_PROBLEMS = declareProblems({
  'weak-password': {
    status: 400,
    title: 'The password cannot be taken',
    meaning: 'A password has 12 to 1024 characters of any kind; spaces count. Choose another one: several words that do not belong '
      + 'together are good ones.',
  },
  'wrong-password': {
    status: 403,
    title: 'That is not your password',
    meaning: 'What proves who you are is changed only with your password, also by those who are signed in as you. Give the one that you '
      + 'sign in with.',
  },
  'invalid-token': {
    status: 400,
    title: 'The token cannot be used',
    meaning: 'The token of an invitation or of a reset works once and for a limited time, and this one is not, or no longer, one that '
      + 'does. Ask for a new one.',
  },
  'user-exists': {
    status: 409,
    title: 'There is such a user',
    meaning: 'Somebody signs in with this address already. An address is one user; give them another role instead.',
  },
  'last-owner': {
    status: 409,
    title: 'A customer needs an owner',
    meaning: 'Nobody but this user may act for the customer. Make another user an owner first.',
  },
  'too-many-invitations': {
    status: 409,
    title: 'Too many invitations are open',
    meaning: 'A customer has 50 open invitations at most. Revoke those that are not wanted, or wait until they expire.',
  },
  'second-factor-exists': {
    status: 409,
    title: 'There is a second factor',
    meaning: 'The user has a second factor that counts. Remove it before another one is set up.',
  },
  'no-second-factor': {
    status: 409,
    title: 'There is no second factor',
    meaning: 'The user has no second factor that counts. Set one up first.',
  },
});

declare module '../problems/problem-types.js' {
  interface DeclaredProblems extends Record<keyof typeof USER_PROBLEMS, ProblemType> {}
}
