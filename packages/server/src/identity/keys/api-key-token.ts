import { createHash, randomInt, timingSafeEqual } from 'node:crypto'

const ALPHABET = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789'
const ID_LENGTH = 10
const SECRET_LENGTH = 22
const TOKEN = /^[A-Za-z0-9]{10}-[A-Za-z0-9]{22}$/

/** A new key: the token is shown once, only the hash is stored (ID-38, ID-39). */
export interface NewToken {
  readonly id: string
  readonly token: string
  readonly hashedSecret: Buffer
}

/** Makes a random `<id>-<secret>`. */
export function newToken(): NewToken {
  const id = randomText(ID_LENGTH)
  const secret = randomText(SECRET_LENGTH)
  return { id, token: `${id}-${secret}`, hashedSecret: sha256(secret) }
}

/** Splits a token; undefined when it cannot be one, so that no query is made for it (ID-59). */
export function parseToken(token: string): { readonly id: string; readonly secret: string } | undefined {
  // Taken apart by place: a match with groups costs three times as much, for every request.
  return TOKEN.test(token) ? { id: token.slice(0, ID_LENGTH), secret: token.slice(ID_LENGTH + 1) } : undefined
}

/** Constant-time comparison of a presented secret with the stored hash. */
export function secretMatches(secret: string, hashed: Buffer): boolean {
  return timingSafeEqual(sha256(secret), hashed)
}

/**
 * Whether this is the secret whose digest was compared before; looks at every character, so that it takes the same time
 * whatever differs. Both have the length of all secrets.
 */
export function sameSecret(known: string, given: string): boolean {
  let differs = known.length ^ given.length
  for (let i = 0; i < known.length; i += 1) differs |= known.charCodeAt(i) ^ given.charCodeAt(i)
  return differs === 0
}

/** SHA-256 of a machine-made secret; people's passwords take the slow hash instead (ID-39). */
export function sha256(text: string): Buffer {
  return createHash('sha256').update(text).digest()
}

function randomText(length: number): string {
  return Array.from({ length }, () => ALPHABET[randomInt(ALPHABET.length)]).join('')
}
