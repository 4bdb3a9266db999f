import type { AppContext } from '../context.ts'
import type { TotpRow } from './store/factors.ts'

/** Encrypts the secret of an authenticator app, bound to its user: it is needed again for every code. */
export function sealTotpSecret(context: AppContext, userId: string, secret: string): Buffer {
  return context.secrets.sealer.seal(Buffer.from(secret), purpose(userId))
}

/** @throws Error when it was changed or its key is unknown. */
export function openTotpSecret(context: AppContext, totp: TotpRow): string {
  return context.secrets.sealer.open(totp.secret, purpose(totp.user_id)).toString()
}

function purpose(userId: string): string {
  return `totp secret of ${userId}`
}
