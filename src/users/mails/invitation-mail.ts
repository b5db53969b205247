import type { UserRole } from '../../access/actor.js';
import type { Letter } from '../../notifications/letter.js';

export const INVITATION_MAIL = 'invitation';

/** What the mail of an invitation is made of. */
export interface InvitationMail {
  readonly invitationId: string;
  readonly token: string;
}

const MAY: Readonly<Record<UserRole, string>> = {
  owner: 'may do everything for them',
  member: 'may see their databases, and change nothing',
  operator: 'run Freehold',
};

/** @param to the customer's name; null for operators */
export function writeInvitation(
  { token }: InvitationMail, to: string | null, role: UserRole, expiresAt: Date, publicUrl: string,
): Letter {
  return {
    subject: to === null ? 'You are invited to run Freehold' : `You are invited to ${oneLine(to)} at Freehold`,
    paragraphs: [to === null ? `As an operator you ${MAY[role]}.` : `As ${role} of ${oneLine(to)} you ${MAY[role]}.`],
    // What follows the # is not sent to the server with the page, and so is in no log.
    link: { label: 'Choose a password and accept', url: `${publicUrl}/console/accept-invitation#${token}` },
    closing: [
      `It is good until ${expiresAt.toISOString().slice(0, 16).replace('T', ' ')} UTC, and once.`,
      'If you do not know what this is about, do nothing.',
    ],
  };
}

/** To somebody who has an account already: the one who invites is not told. */
export function writeInvitationToUser(to: string | null): Letter {
  return {
    subject: to === null ? 'You are invited to run Freehold' : `You are invited to ${oneLine(to)} at Freehold`,
    paragraphs: [
      'Somebody invited this address, which signs in to Freehold already. An address is one user, so that the invitation cannot be '
        + 'accepted with it.',
      'If you want to accept, ask for an invitation to another address of yours. If you do not know what this is about, do nothing.',
    ],
  };
}

/** A customer's name may hold anything; a subject is one line. */
const oneLine = (name: string): string => name.replaceAll(/[\p{Control}\u2028\u2029]+/gu, ' ').trim();
