import { createCipheriv, createDecipheriv, createHash, hkdfSync, randomBytes } from 'node:crypto'

const NONCE = 12
const TAG = 16

/**
 * Encrypts secrets that are needed again (SSH keys, provisioner state): AES-256-GCM under the first key;
 * every key that it knows can decrypt, so that keys can be rotated. A sealed value names its key by a digest.
 */
export class Sealer {
  readonly #keys: readonly { readonly id: Buffer; readonly key: Buffer }[]
  /** Digest of the key that it encrypts with. */
  readonly digest: string

  /** @param secrets raw keys of 32 bytes, the one to encrypt with first. @throws Error without any. */
  constructor(secrets: readonly Uint8Array[]) {
    const [first] = secrets
    if (first === undefined) throw new Error('an encryption key is needed')
    this.digest = keyDigest(first)
    this.#keys = secrets.map((secret) => {
      const key = Buffer.from(hkdfSync('sha256', secret, '', 'slipway sealed value', 32))
      return { key, id: createHash('sha256').update(key).digest().subarray(0, 4) }
    })
  }

  /** How sealed values name the key that this one encrypts with. */
  get keyId(): Buffer {
    return this.#current.id
  }

  get #current(): { readonly id: Buffer; readonly key: Buffer } {
    const [current] = this.#keys
    if (current === undefined) throw new Error('an encryption key is needed')
    return current
  }

  /** Encrypts; `purpose` binds the value to its place, so that it cannot be moved to another one. */
  seal(plain: Uint8Array, purpose: string): Buffer {
    const current = this.#current
    const nonce = randomBytes(NONCE)
    const cipher = createCipheriv('aes-256-gcm', current.key, nonce).setAAD(Buffer.from(purpose))
    const body = Buffer.concat([cipher.update(plain), cipher.final()])
    return Buffer.concat([current.id, nonce, cipher.getAuthTag(), body])
  }

  /** Decrypts what {@link seal} gave for the same purpose. @throws Error when it was changed or its key is unknown. */
  open(sealed: Uint8Array, purpose: string): Buffer {
    const value = Buffer.from(sealed)
    const found = this.#keys.find((candidate) => candidate.id.equals(value.subarray(0, 4)))
    if (found === undefined)
      throw new Error('a stored secret was encrypted under a key that is not configured any more')
    const nonce = value.subarray(4, 4 + NONCE)
    const tag = value.subarray(4 + NONCE, 4 + NONCE + TAG)
    const decipher = createDecipheriv('aes-256-gcm', found.key, nonce)
      .setAAD(Buffer.from(purpose))
      .setAuthTag(tag)
    return Buffer.concat([decipher.update(value.subarray(4 + NONCE + TAG)), decipher.final()])
  }
}

/** How the table of known keys names a key (OP-67): the first 7 bytes of its SHA-256, in hex. */
export function keyDigest(key: Uint8Array): string {
  return createHash('sha256').update(key).digest('hex').slice(0, 14)
}

/** What a stored secret of the deployment is bound to. */
export function secretPurpose(feature: string): string {
  return `crypto key ${feature}`
}
