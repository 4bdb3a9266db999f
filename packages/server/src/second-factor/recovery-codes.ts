import { createHash, randomInt } from 'node:crypto'

const COUNT = 10
/** Crockford's base32: nothing in it looks like something else. */
const ALPHABET = '0123456789ABCDEFGHJKMNPQRSTVWXYZ'

/** Ten codes of 80 bits, for when everything else is lost: shown once, stored as digests (ID-39). */
export function newRecoveryCodes(): { readonly codes: string[]; readonly hashed: Buffer[] } {
  const codes = Array.from({ length: COUNT }, () => [group(), group(), group(), group()].join('-'))
  return { codes, hashed: codes.map(hashRecoveryCode) }
}

/** Digest of a code, however it was typed. */
export function hashRecoveryCode(code: string): Buffer {
  const plain = code
    .toUpperCase()
    .replace(/[^0-9A-Z]/g, '')
    .replaceAll('O', '0')
    .replace(/[IL]/g, '1')
  return createHash('sha256').update(plain).digest()
}

function group(): string {
  return Array.from({ length: 4 }, () => ALPHABET[randomInt(ALPHABET.length)]).join('')
}
