import { z } from 'zod';
import { component, listOf } from '../http/components.js';
import { givenPasswordSchema, newPasswordSchema, userSchema } from './user.schemas.js';

const cookie = z.boolean().default(false).meta({
  description: 'Whether the token is set as a cookie, for pages, and not told; what changes something then needs the header `X-CSRF-Token`',
});

export const signInSchema = z.strictObject({
  email: z.string().trim().min(1, 'may not be empty').max(254).meta({ example: 'ada@example.com' }),
  password: givenPasswordSchema,
  cookie,
});
export type SignInBody = z.output<typeof signInSchema>;

const code = z.string().min(1).max(20).meta({ description: 'Of the authenticator app', example: '492039' });
const recoveryCode = z.string().min(1).max(40);
const oneProof = (proof: { code?: string | undefined; recoveryCode?: string | undefined }): boolean =>
  (proof.code === undefined) !== (proof.recoveryCode === undefined);
const ONE_PROOF = { message: 'is required, or a recoveryCode in its place', path: ['code'] };

export const secondStepSchema = z.strictObject({
  ticket: z.string().min(1).max(200), code: code.optional(), recoveryCode: recoveryCode.optional(), cookie,
}).refine(oneProof, ONE_PROOF);
export type SecondStepBody = z.output<typeof secondStepSchema>;

const owes = z.enum(['new-password', 'second-factor']).nullable().meta({ description: 'What has to be done before anything else' });

export const signInAnswerSchema = component('SignIn', z.object({
  state: z.enum(['signed-in', 'second-factor-required']),
  token: z.string().nullable().meta({ description: 'Of the session, for `Authorization: Bearer`; null if it was set as a cookie' }),
  csrfToken: z.string().nullable().meta({ description: 'For the header `X-CSRF-Token`, with a cookie' }),
  ticket: z.string().nullable().meta({ description: 'For the second step' }),
  expiresAt: z.iso.datetime().meta({ description: 'Of the session, or of the ticket' }),
  user: z.object(userSchema.shape).optional().meta({ description: 'Left out with a ticket' }),
  owes,
}).meta({ description: 'A session, or a ticket for the second step of a sign-in.' }));
export type SignInAnswer = z.output<typeof signInAnswerSchema>;

export const sessionSchema = component('Session', z.object({
  id: z.string().meta({ example: 'ses_01hzy3v7q8k2w5n9t4r6x1m0pa' }),
  current: z.boolean().meta({ description: 'Whether it is the one that asks' }),
  address: z.string().nullable(),
  agent: z.string().nullable().meta({ description: 'What the client said that it is' }),
  createdAt: z.iso.datetime(),
  lastUsedAt: z.iso.datetime(),
  expiresAt: z.iso.datetime(),
}).meta({ description: 'Somebody is signed in by it.' }));
export type SessionDocument = z.output<typeof sessionSchema>;
export const sessionListSchema = listOf('SessionList', sessionSchema);

export const accountSchema = component('Account', z.object({
  user: userSchema,
  sessionId: z.string(),
  csrfToken: z.string().nullable().meta({ description: 'For the header `X-CSRF-Token`, with a cookie' }),
  owes,
  hasSecondFactor: z.boolean(),
  recoveryCodesLeft: z.number().int(),
}).meta({ description: 'Who is signed in, and by what.' }));
export type AccountDocument = z.output<typeof accountSchema>;

export const changePasswordSchema = z.strictObject({ currentPassword: givenPasswordSchema, newPassword: newPasswordSchema });
export type ChangePasswordBody = z.output<typeof changePasswordSchema>;

export const ownPasswordSchema = z.strictObject({ password: givenPasswordSchema });
export type OwnPasswordBody = z.output<typeof ownPasswordSchema>;
export const confirmFactorSchema = z.strictObject({ code });
export type ConfirmFactorBody = z.output<typeof confirmFactorSchema>;
export const removeFactorSchema = z.strictObject({
  password: givenPasswordSchema, code: code.optional(), recoveryCode: recoveryCode.optional(),
}).refine(oneProof, ONE_PROOF);
export type RemoveFactorBody = z.output<typeof removeFactorSchema>;

export const newFactorSchema = component('NewSecondFactor', z.object({
  secret: z.string().meta({ description: 'In base32, to be typed into an authenticator app' }),
  uri: z.string().meta({ description: '`otpauth://…`, to be shown as a QR code' }),
}).meta({ description: 'It counts once a code of it was confirmed.' }));
export type NewFactor = z.output<typeof newFactorSchema>;
export const recoveryCodesSchema = component('RecoveryCodes', z.object({
  recoveryCodes: z.array(z.string()).meta({ description: 'Each lets in once, in place of a code; shown once' }),
}));
export type RecoveryCodes = z.output<typeof recoveryCodesSchema>;
