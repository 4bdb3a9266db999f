import { createCipheriv, createDecipheriv, createHash, createHmac, type KeyObject } from 'node:crypto'

import { blake2s } from '@noble/hashes/blake2.js'

const HASH = 'blake2s256'
const AEAD = 'chacha20-poly1305'

export const TAG_BYTES = 16
export const HASH_BYTES = 32

const AEAD_OPTIONS = { authTagLength: TAG_BYTES } as const

/** BLAKE2s of the parts one after the other. */
export function hash(...parts: readonly Uint8Array[]): Buffer {
  const state = createHash(HASH)
  for (const part of parts) state.update(part)
  return state.digest()
}

/** BLAKE2s with a key, 16 bytes long: the MAC in front of handshakes. */
export function mac(key: Uint8Array, message: Uint8Array): Uint8Array {
  return blake2s(message, { key, dkLen: 16 })
}

function hmac(key: Uint8Array, ...parts: readonly Uint8Array[]): Buffer {
  const state = createHmac(HASH, key)
  for (const part of parts) state.update(part)
  return state.digest()
}

/** The key derivation of Noise (HKDF, RFC 5869): three keys from a chaining key and new input. */
export function derive(chainingKey: Uint8Array, input: Uint8Array): [Buffer, Buffer, Buffer] {
  const secret = hmac(chainingKey, input)
  const first = hmac(secret, Uint8Array.of(1))
  const second = hmac(secret, first, Uint8Array.of(2))
  return [first, second, hmac(secret, second, Uint8Array.of(3))]
}

/** Encrypts one message of the handshake: the counter is zero, and what was said before is authenticated too. */
export function sealHandshake(key: Uint8Array, plaintext: Uint8Array, transcript: Uint8Array): Buffer {
  const cipher = createCipheriv(AEAD, key, Buffer.alloc(12), AEAD_OPTIONS)
  cipher.setAAD(transcript, { plaintextLength: plaintext.length })
  return Buffer.concat([cipher.update(plaintext), cipher.final(), cipher.getAuthTag()])
}

/** Decrypts what `sealHandshake` made; undefined when it was made by somebody else or changed. */
export function openHandshake(
  key: Uint8Array,
  sealed: Uint8Array,
  transcript: Uint8Array,
): Buffer | undefined {
  return openPacket(key, Buffer.alloc(12), sealed, transcript)
}

/** Encrypts one packet: the parts follow each other in what comes out, and the last is the tag. */
export function sealPacket(
  key: KeyObject,
  nonce: Uint8Array,
  plaintext: Uint8Array,
  padding: Uint8Array,
  into: Buffer,
  offset: number,
): void {
  const cipher = createCipheriv(AEAD, key, nonce, AEAD_OPTIONS)
  let at = offset + cipher.update(plaintext).copy(into, offset)
  if (padding.length > 0) at += cipher.update(padding).copy(into, at)
  cipher.final()
  cipher.getAuthTag().copy(into, at)
}

/** Decrypts a packet that ends with its tag; undefined when it is not authentic. */
export function openPacket(
  key: KeyObject | Uint8Array,
  nonce: Uint8Array,
  sealed: Uint8Array,
  transcript?: Uint8Array,
): Buffer | undefined {
  const length = sealed.length - TAG_BYTES
  if (length < 0) return undefined
  const decipher = createDecipheriv(AEAD, key, nonce, AEAD_OPTIONS)
  if (transcript !== undefined) decipher.setAAD(transcript, { plaintextLength: length })
  decipher.setAuthTag(sealed.subarray(length))
  const plaintext = decipher.update(sealed.subarray(0, length))
  try {
    decipher.final()
  } catch {
    return undefined
  }
  return plaintext
}
