import type { Proof } from '../access/sign-in/sign-ins.service.js';

/** The second factor of a body of which is checked that it has one. */
export function proofOf(body: { readonly code?: string | undefined; readonly recoveryCode?: string | undefined }): Proof {
  return body.code === undefined ? { recoveryCode: body.recoveryCode ?? '' } : { code: body.code };
}
