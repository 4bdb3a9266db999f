import { generateKeyPair, type KeyObject, randomBytes } from 'node:crypto'

/** Kinds of keys that can be made (ID-193). */
export type KeyAlgorithm = 'ed25519' | 'ecdsa' | 'rsa4096'

/** A key pair in the formats that OpenSSH reads. */
export interface OpenSshKeyPair {
  /** One line for `authorized_keys`. */
  readonly publicKey: string
  /** A PEM block of the type `OPENSSH PRIVATE KEY`. */
  readonly privateKey: string
}

/** The two halves of a key as OpenSSH writes them, each beginning with the name of the kind. */
interface Encoded {
  readonly name: string
  readonly publicBlob: Buffer
  readonly privateBlob: Buffer
}

/** Makes a key pair (ID-193; format: openssh-portable PROTOCOL.key). */
export async function generateOpenSshKey(algorithm: KeyAlgorithm): Promise<OpenSshKeyPair> {
  const { name, publicBlob, privateBlob } = encode(algorithm, await generate(algorithm))
  const check = randomBytes(4)
  const secret = Buffer.concat([check, check, privateBlob, text('')])
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
    publicKey: `${name} ${publicBlob.toString('base64')}\n`,
    privateKey: `-----BEGIN OPENSSH PRIVATE KEY-----\n${lines.join('\n')}\n-----END OPENSSH PRIVATE KEY-----\n`,
  }
}

/** Off the main thread: a large RSA key takes seconds. */
function generate(algorithm: KeyAlgorithm): Promise<KeyObject> {
  return new Promise((resolve, reject) => {
    const done = (error: Error | null, _public: KeyObject, secret: KeyObject): void =>
      error === null ? resolve(secret) : reject(error)
    switch (algorithm) {
      case 'ed25519':
        return generateKeyPair('ed25519', {}, done)
      case 'ecdsa':
        return generateKeyPair('ec', { namedCurve: 'P-256' }, done)
      case 'rsa4096':
        return generateKeyPair('rsa', { modulusLength: 4096 }, done)
    }
  })
}

function encode(algorithm: KeyAlgorithm, key: KeyObject): Encoded {
  const jwk = key.export({ format: 'jwk' })
  const bytes = (value: string | undefined): Buffer => Buffer.from(value ?? '', 'base64url')
  switch (algorithm) {
    case 'ed25519': {
      const name = 'ssh-ed25519'
      const publicBlob = Buffer.concat([text(name), field(bytes(jwk.x))])
      const both = field(Buffer.concat([bytes(jwk.d), bytes(jwk.x)]))
      return { name, publicBlob, privateBlob: Buffer.concat([publicBlob, both]) }
    }
    case 'ecdsa': {
      const name = 'ecdsa-sha2-nistp256'
      const point = Buffer.concat([Buffer.from([4]), bytes(jwk.x), bytes(jwk.y)])
      const publicBlob = Buffer.concat([text(name), text('nistp256'), field(point)])
      return { name, publicBlob, privateBlob: Buffer.concat([publicBlob, integer(bytes(jwk.d))]) }
    }
    case 'rsa4096': {
      const name = 'ssh-rsa'
      const [n, e, d, inverse, p, q] = [jwk.n, jwk.e, jwk.d, jwk.qi, jwk.p, jwk.q].map((value) =>
        integer(bytes(value)),
      )
      const part = (value: Buffer | undefined): Buffer => value ?? Buffer.alloc(0)
      return {
        name,
        publicBlob: Buffer.concat([text(name), part(e), part(n)]),
        privateBlob: Buffer.concat([text(name), ...[n, e, d, inverse, p, q].map(part)]),
      }
    }
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

/** RFC 4251 section 5: a positive number has no zeros in front, except one where its first bit is set. */
function integer(bytes: Buffer): Buffer {
  const first = bytes.findIndex((byte) => byte !== 0)
  const significant = first < 0 ? Buffer.alloc(0) : bytes.subarray(first)
  return field((significant[0] ?? 0) >= 0x80 ? Buffer.concat([Buffer.from([0]), significant]) : significant)
}
