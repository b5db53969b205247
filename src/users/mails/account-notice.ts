import type { Letter } from '../../notifications/letter.js';

export const ACCOUNT_NOTICE = 'account-notice';

/** Something that a user should know of, in case that somebody else did it. */
export interface AccountNotice {
  readonly what: 'password-changed' | 'second-factor-removed';
  readonly at: string;
}

const SAID: Readonly<Record<AccountNotice['what'], { readonly subject: string; readonly told: string }>> = {
  'password-changed': {
    subject: 'Your password was changed',
    told: 'The password with which you sign in to Freehold was changed at TIME. All other sessions were signed out.',
  },
  'second-factor-removed': {
    subject: 'Your second factor was removed',
    told: 'The second factor with which you sign in to Freehold was removed at TIME. The password alone lets you in now.',
  },
};

export function writeAccountNotice({ what, at }: AccountNotice): Letter {
  const { subject, told } = SAID[what];
  return {
    subject,
    paragraphs: [
      told.replace('TIME', `${at.slice(0, 16).replace('T', ' ')} UTC`),
      'If that was you, there is nothing to do. If not, ask for a new password at once, and tell whoever runs Freehold for you.',
    ],
  };
}
