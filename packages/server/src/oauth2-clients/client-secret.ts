import { createHash, randomInt, timingSafeEqual } from 'node:crypto'

const ALPHABET = '0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz'
const PREFIX_LENGTH = 10
const SECRET_LENGTH = 40
/** Longer texts are no secrets of ours and are not looked at. */
const MAX_LENGTH = 256
/** What the database can look for; NUL it cannot. */
const PRINTABLE = /^[\x21-\x7e]+$/

/** A new secret of the authorization server: the text is shown once, prefix and hash are stored (OA-9). */
export interface NewOAuthSecret {
  /** `coder_<prefix>_<secret>` */
  readonly text: string
  /** What it is looked up by. */
  readonly prefix: string
  /** SHA-256 of the secret part. */
  readonly hash: Buffer
}

/** Makes a client secret, an authorization code, a device code or a refresh token (OA-9). */
export function newOAuthSecret(): NewOAuthSecret {
  const prefix = randomAlphanumeric(PREFIX_LENGTH)
  const secret = randomAlphanumeric(SECRET_LENGTH)
  return { text: `coder_${prefix}_${secret}`, prefix, hash: hashOAuthSecret(secret) }
}

/** Takes such a secret apart; undefined for a text that is none (OA-9). */
export function parseOAuthSecret(
  text: string,
): { readonly prefix: string; readonly secret: string } | undefined {
  if (text.length > MAX_LENGTH || !PRINTABLE.test(text)) return undefined
  const [brand, prefix, secret, ...rest] = text.split('_')
  return brand === 'coder' && prefix && secret && rest.length === 0 ? { prefix, secret } : undefined
}

/** Constant-time comparison of the secret part that was sent with the hash that is stored. */
export function oauthSecretMatches(secret: string, hash: Buffer): boolean {
  return timingSafeEqual(hashOAuthSecret(secret), hash)
}

/** SHA-256, which is enough for what machines made at random (OA-9). */
export function hashOAuthSecret(secret: string): Buffer {
  return createHash('sha256').update(secret).digest()
}

/** Letters and digits from a generator for keys, each as likely as the others. */
export function randomAlphanumeric(length: number): string {
  return Array.from({ length }, () => ALPHABET[randomInt(ALPHABET.length)]).join('')
}
