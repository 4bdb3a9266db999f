import { randomBytes } from 'node:crypto'

import { hsalsa, xsalsa20poly1305 } from '@noble/ciphers/salsa.js'

import type { KeyPair } from './keys.ts'

/** Bytes of the random number in front of a box. */
export const NONCE_BYTES = 24

const TAG_BYTES = 16
const SIGMA = words(Buffer.from('expand 32-byte k'))

/** A copy as words, whatever the alignment of the bytes. */
function words(bytes: Uint8Array): Uint32Array {
  return new Uint32Array(Uint8Array.from(bytes).buffer)
}

function boxKey(keys: KeyPair, publicKey: Uint8Array): Uint8Array | undefined {
  const secret = keys.sharedSecret(publicKey)
  if (secret === undefined) return undefined
  const key = new Uint32Array(8)
  hsalsa(SIGMA, words(secret), new Uint32Array(4), key)
  return new Uint8Array(key.buffer)
}

/**
 * Seals a message for one receiver as NaCl's box does: X25519, XSalsa20, Poly1305, with its random nonce in front.
 *
 * @throws Error when the receiver's key is none.
 */
export function seal(keys: KeyPair, receiver: Uint8Array, message: Uint8Array): Buffer {
  const key = boxKey(keys, receiver)
  if (key === undefined) throw new Error('nothing can be sealed for this key: it is no public key of X25519')
  const nonce = randomBytes(NONCE_BYTES)
  return Buffer.concat([nonce, xsalsa20poly1305(key, nonce).encrypt(message)])
}

/** Opens what `seal` made at the other end; undefined when it is from somebody else, damaged or too short. */
export function open(keys: KeyPair, sender: Uint8Array, sealed: Uint8Array): Buffer | undefined {
  if (sealed.length < NONCE_BYTES + TAG_BYTES) return undefined
  const key = boxKey(keys, sender)
  if (key === undefined) return undefined
  try {
    return Buffer.from(
      xsalsa20poly1305(key, sealed.subarray(0, NONCE_BYTES)).decrypt(sealed.subarray(NONCE_BYTES)),
    )
  } catch {
    return undefined
  }
}
