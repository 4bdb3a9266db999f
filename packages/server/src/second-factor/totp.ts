import { Secret, TOTP } from 'otpauth'

const PERIOD_SECONDS = 30
const DIGITS = 6
/** RFC 6238 §5.2: clocks of phones differ. */
const WINDOW = 1

/** A new secret of 160 bits in base32 (RFC 4226 §4). */
export function newTotpSecret(): string {
  return new Secret({ size: 20 }).base32
}

/** The address that a QR code shows to an authenticator app, which shows `issuer` and `account`. */
export function totpUrl(secret: string, account: string, issuer: string): string {
  return totpOf(secret, account, issuer).toString()
}

/**
 * The time step that a code is of; undefined when it is of none around `now` (RFC 6238). Compares in constant time.
 * Taking each step only once is the caller's part.
 */
export function totpStepOf(secret: string, code: string, now: Date): number | undefined {
  const token = code.replace(/\s/g, '')
  if (!/^\d{6}$/.test(token)) return undefined
  const delta = totpOf(secret, '', '').validate({ token, timestamp: now.getTime(), window: WINDOW })
  return delta === null ? undefined : Math.floor(now.getTime() / 1_000 / PERIOD_SECONDS) + delta
}

function totpOf(secret: string, label: string, issuer: string): TOTP {
  return new TOTP({
    issuer,
    label,
    algorithm: 'SHA1',
    digits: DIGITS,
    period: PERIOD_SECONDS,
    secret: Secret.fromBase32(secret),
  })
}
