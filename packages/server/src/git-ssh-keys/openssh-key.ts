import { generateKeyPairSync, randomBytes } from 'node:crypto'

/** A key pair in the formats that OpenSSH reads. */
export interface OpenSshKeyPair {
  /** One line for `authorized_keys`. */
  readonly publicKey: string
  /** A PEM block of the type `OPENSSH PRIVATE KEY`. */
  readonly privateKey: string
}

/** Makes an Ed25519 key pair (ID-55b; format: openssh-portable PROTOCOL.key). */
export function generateOpenSshKey(): OpenSshKeyPair {
  const { privateKey } = generateKeyPairSync('ed25519')
  const jwk = privateKey.export({ format: 'jwk' })
  const publicBytes = Buffer.from(jwk.x ?? '', 'base64url')
  const seed = Buffer.from(jwk.d ?? '', 'base64url')
  const publicBlob = Buffer.concat([text('ssh-ed25519'), field(publicBytes)])
  const check = randomBytes(4)
  const secret = Buffer.concat([
    check,
    check,
    publicBlob,
    field(Buffer.concat([seed, publicBytes])),
    text(''),
  ])
  const padding = Buffer.from(Array.from({ length: (8 - (secret.length % 8)) % 8 }, (_, i) => i + 1))
  const file = Buffer.concat([
    Buffer.from('openssh-key-v1\0'),
    text('none'),
    text('none'),
    text(''),
    Buffer.from([0, 0, 0, 1]),
    field(publicBlob),
    field(Buffer.concat([secret, padding])),
  ])
  const lines = file.toString('base64').match(/.{1,70}/g) ?? []
  return {
    publicKey: `ssh-ed25519 ${publicBlob.toString('base64')}\n`,
    privateKey: `-----BEGIN OPENSSH PRIVATE KEY-----\n${lines.join('\n')}\n-----END OPENSSH PRIVATE KEY-----\n`,
  }
}

function text(value: string): Buffer {
  return field(Buffer.from(value))
}

/** RFC 4251 section 5: a string is its length and its bytes. */
function field(bytes: Buffer): Buffer {
  const length = Buffer.alloc(4)
  length.writeUInt32BE(bytes.length)
  return Buffer.concat([length, bytes])
}
