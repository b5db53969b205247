import type { Letter } from '../../notifications/letter.js';

export const RESET_MAIL = 'password-reset';

/** What the mail for a new password is made of. */
export interface ResetMail {
  readonly token: string;
  readonly expiresAt: string;
}

export function writeReset({ token, expiresAt }: ResetMail, publicUrl: string): Letter {
  return {
    subject: 'A new password for Freehold',
    paragraphs: ['Somebody asked for a new password for this address.'],
    link: { label: 'Choose a new password', url: `${publicUrl}/console/reset-password#${token}` },
    closing: [
      `It is good until ${expiresAt.slice(0, 16).replace('T', ' ')} UTC, and once.`,
      'If that was not you, do nothing: the password stays as it is.',
    ],
  };
}
