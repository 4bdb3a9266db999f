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

/** What two parties tell each other, with its random nonce in front: X25519, XSalsa20, Poly1305 (NaCl's `crypto_box`). */
export interface Box {
  seal(message: Uint8Array): Buffer
  /** What was sealed; undefined when it is from somebody else, damaged or too short. */
  open(sealed: Uint8Array): Buffer | undefined
}

/** The box between the owner of a pair and somebody else; undefined when no pair has such a public key. */
export function boxBetween(keys: KeyPair, publicKey: Uint8Array): Box | undefined {
  const secret = keys.sharedSecret(publicKey)
  if (secret === undefined) return undefined
  const words8 = new Uint32Array(8)
  hsalsa(SIGMA, words(secret), new Uint32Array(4), words8)
  const key = new Uint8Array(words8.buffer)
  return {
    seal: (message) => {
      const nonce = randomBytes(NONCE_BYTES)
      return Buffer.concat([nonce, xsalsa20poly1305(key, nonce).encrypt(message)])
    },
    open: (sealed) => {
      if (sealed.length < NONCE_BYTES + TAG_BYTES) return undefined
      try {
        return Buffer.from(
          xsalsa20poly1305(key, sealed.subarray(0, NONCE_BYTES)).decrypt(sealed.subarray(NONCE_BYTES)),
        )
      } catch {
        return undefined
      }
    },
  }
}

/** Seals one message. @throws Error when the receiver's key is none. */
export function seal(keys: KeyPair, receiver: Uint8Array, message: Uint8Array): Buffer {
  const box = boxBetween(keys, receiver)
  if (box === undefined) throw new Error('nothing can be sealed for this key: it is no public key of X25519')
  return box.seal(message)
}

/** Opens one message; undefined as {@link Box} says, or when the sender's key is none. */
export function open(keys: KeyPair, sender: Uint8Array, sealed: Uint8Array): Buffer | undefined {
  return boxBetween(keys, sender)?.open(sealed)
}
