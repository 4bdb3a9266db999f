import { createPublicKey, diffieHellman, generateKeyPairSync, type KeyObject, randomBytes } from 'node:crypto'

import { hsalsa, xsalsa20poly1305 } from '@noble/ciphers/salsa.js'

import { KEY_BYTES } from './frames.ts'

const NONCE_BYTES = 24
const SIGMA = words(Buffer.from('expand 32-byte k'))
const NO_INPUT = new Uint32Array(4)

/** What two parties tell each other, with the nonce in front (the `crypto_box` of NaCl). */
export interface Box {
  seal(text: Uint8Array, nonce?: Uint8Array): Buffer
  /** What was sealed; undefined when it was sealed by another, or changed. */
  open(sealed: Uint8Array): Buffer | undefined
}

/** A key pair on Curve25519. */
export class BoxKey {
  readonly publicKey: Buffer
  readonly #privateKey: KeyObject

  private constructor(privateKey: KeyObject, publicKey: KeyObject) {
    this.#privateKey = privateKey
    this.publicKey = Buffer.from(String(publicKey.export({ format: 'jwk' }).x), 'base64url')
  }

  /** A fresh one. */
  static generate(): BoxKey {
    const { privateKey, publicKey } = generateKeyPairSync('x25519')
    return new BoxKey(privateKey, publicKey)
  }

  /** The way to talk to the owner of a public key; undefined when no key pair has such a key. */
  with(publicKey: Uint8Array): Box | undefined {
    const shared = sharedSecret(this.#privateKey, publicKey)
    return shared === undefined ? undefined : box(shared)
  }
}

function sharedSecret(privateKey: KeyObject, publicKey: Uint8Array): Uint8Array | undefined {
  try {
    const key = createPublicKey({
      key: { kty: 'OKP', crv: 'X25519', x: Buffer.from(publicKey).toString('base64url') },
      format: 'jwk',
    })
    return diffieHellman({ privateKey, publicKey: key })
  } catch {
    // Points of small order: whoever sends one would share the same secret with everybody.
    return undefined
  }
}

/** A box between those who share the result of their key exchange. */
export function box(shared: Uint8Array): Box {
  const derived = new Uint32Array(KEY_BYTES / 4)
  hsalsa(SIGMA, words(shared), NO_INPUT, derived)
  const key = new Uint8Array(derived.buffer)
  return {
    seal: (text, nonce = randomBytes(NONCE_BYTES)) =>
      Buffer.concat([nonce, xsalsa20poly1305(key, nonce).encrypt(text)]),
    open: (sealed) => {
      if (sealed.length < NONCE_BYTES) return undefined
      try {
        const opened = xsalsa20poly1305(key, sealed.subarray(0, NONCE_BYTES)).decrypt(
          sealed.subarray(NONCE_BYTES),
        )
        return Buffer.from(opened)
      } catch {
        return undefined
      }
    },
  }
}

function words(bytes: Uint8Array): Uint32Array {
  return new Uint32Array(Uint8Array.from(bytes).buffer)
}
