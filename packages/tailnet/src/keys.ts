import {
  createPrivateKey,
  createPublicKey,
  diffieHellman,
  generateKeyPairSync,
  type KeyObject,
} from 'node:crypto'

/** Bytes of a key of Curve25519. */
export const KEY_BYTES = 32

// The DER of RFC 8410 around the raw 32 bytes.
const PUBLIC_PREFIX = Buffer.from('302a300506032b656e032100', 'hex')
const PRIVATE_PREFIX = Buffer.from('302e020100300506032b656e04220420', 'hex')

/** A pair of keys of X25519 (RFC 7748). */
export class KeyPair {
  /** 32 bytes. */
  readonly publicKey: Buffer
  readonly #privateKey: KeyObject

  private constructor(privateKey: KeyObject) {
    this.#privateKey = privateKey
    const der = createPublicKey(privateKey).export({ format: 'der', type: 'spki' })
    this.publicKey = Buffer.from(der.subarray(PUBLIC_PREFIX.length))
  }

  static generate(): KeyPair {
    return new KeyPair(generateKeyPairSync('x25519').privateKey)
  }

  /** @param bytes the 32 bytes of a private key. */
  static fromPrivate(bytes: Uint8Array): KeyPair {
    const key = Buffer.concat([PRIVATE_PREFIX, bytes])
    return new KeyPair(createPrivateKey({ key, format: 'der', type: 'pkcs8' }))
  }

  /**
   * What both ends can compute and nobody else.
   *
   * @returns 32 bytes, or undefined for a public key that no honest peer has (the result would be zero).
   */
  sharedSecret(publicKey: Uint8Array): Buffer | undefined {
    if (publicKey.length !== KEY_BYTES) return undefined
    const key = Buffer.concat([PUBLIC_PREFIX, publicKey])
    try {
      return diffieHellman({
        privateKey: this.#privateKey,
        publicKey: createPublicKey({ key, format: 'der', type: 'spki' }),
      })
    } catch {
      return undefined
    }
  }
}

/** A key as text, for maps. */
export function keyText(key: Uint8Array): string {
  return Buffer.from(key.buffer, key.byteOffset, key.byteLength).toString('hex')
}
