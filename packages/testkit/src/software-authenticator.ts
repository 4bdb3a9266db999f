import { createHash, createSign, generateKeyPairSync, type KeyObject, randomBytes } from 'node:crypto'

import type {
  PasskeyAssertion,
  PasskeyCreationOptions,
  PasskeyRegistration,
  PasskeyRequestOptions,
} from '@slipway/contract'

const USER_PRESENT = 0x01
const USER_VERIFIED = 0x04
const ATTESTED = 0x40

interface Credential {
  readonly id: Buffer
  readonly rpId: string
  readonly userHandle: string
  readonly key: KeyObject
  signCount: number
}

/**
 * An authenticator and its browser in software: makes passkeys (ES256, attestation `none`) and signs with them as WebAuthn
 * says. What it may be told to do wrong is what servers must notice.
 */
export class SoftwareAuthenticator {
  readonly #credentials: Credential[] = []
  /** Origin of the page that the browser shows. */
  readonly #origin: string

  constructor(origin: string) {
    this.#origin = origin
  }

  /** Answers `navigator.credentials.create`. @throws Error when it holds one of the excluded passkeys. */
  create(options: PasskeyCreationOptions): PasskeyRegistration {
    if (options.excludeCredentials?.some(({ id }) => this.#find(id) !== undefined))
      throw new Error('InvalidStateError: this authenticator holds a passkey of the account')
    const { privateKey, publicKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' })
    const rpId = options.rp.id ?? new URL(this.#origin).hostname
    const credential = {
      id: randomBytes(16),
      rpId,
      userHandle: options.user.id,
      key: privateKey,
      signCount: 0,
    }
    this.#credentials.push(credential)
    const { x = '', y = '' } = publicKey.export({ format: 'jwk' })
    // COSE_Key of RFC 9053 §7.1: kty EC2, alg ES256, curve P-256 and the point.
    const coseKey = cbor(
      new Map<number, Item>([
        [1, 2],
        [3, -7],
        [-1, 1],
        [-2, Buffer.from(x, 'base64url')],
        [-3, Buffer.from(y, 'base64url')],
      ]),
    )
    const length = Buffer.alloc(2)
    length.writeUInt16BE(credential.id.length)
    const attested = Buffer.concat([Buffer.alloc(16), length, credential.id, coseKey])
    const authData = authenticatorData(rpId, USER_PRESENT | USER_VERIFIED | ATTESTED, 0, attested)
    const attestation = cbor(
      new Map<string, Item>([
        ['fmt', 'none'],
        ['attStmt', new Map()],
        ['authData', authData],
      ]),
    )
    const id = credential.id.toString('base64url')
    return {
      id,
      rawId: id,
      type: 'public-key',
      response: {
        clientDataJSON: this.#clientData('webauthn.create', options.challenge),
        attestationObject: attestation.toString('base64url'),
        transports: ['internal'],
      },
    }
  }

  /** Answers `navigator.credentials.get`. @throws Error when it holds none of the asked passkeys. */
  get(
    options: PasskeyRequestOptions,
    wrong: {
      /** The holder was not verified. */
      readonly unverified?: boolean
      /** Stays where it was, as that of a copied authenticator would. */
      readonly signCount?: number
      /** The page of another origin asked. */
      readonly origin?: string
    } = {},
  ): PasskeyAssertion {
    const rpId = options.rpId ?? new URL(this.#origin).hostname
    const allowed = options.allowCredentials?.map(({ id }) => id)
    const credential = this.#credentials.find(
      (held) =>
        held.rpId === rpId && (allowed === undefined || allowed.includes(held.id.toString('base64url'))),
    )
    if (credential === undefined) throw new Error('NotAllowedError: no passkey for this page')
    credential.signCount = wrong.signCount ?? credential.signCount + 1
    const flags = USER_PRESENT | (wrong.unverified === true ? 0 : USER_VERIFIED)
    const authData = authenticatorData(rpId, flags, credential.signCount)
    const clientData = this.#clientData('webauthn.get', options.challenge, wrong.origin)
    const signed = Buffer.concat([authData, sha256(Buffer.from(clientData, 'base64url'))])
    const id = credential.id.toString('base64url')
    return {
      id,
      rawId: id,
      type: 'public-key',
      response: {
        clientDataJSON: clientData,
        authenticatorData: authData.toString('base64url'),
        signature: createSign('sha256').update(signed).sign(credential.key).toString('base64url'),
        userHandle: credential.userHandle,
      },
    }
  }

  #find(id: string): Credential | undefined {
    return this.#credentials.find((credential) => credential.id.toString('base64url') === id)
  }

  #clientData(type: string, challenge: string, origin = this.#origin): string {
    return Buffer.from(JSON.stringify({ type, challenge, origin, crossOrigin: false })).toString('base64url')
  }
}

function authenticatorData(rpId: string, flags: number, signCount: number, rest = Buffer.alloc(0)): Buffer {
  const counter = Buffer.alloc(4)
  counter.writeUInt32BE(signCount)
  return Buffer.concat([sha256(Buffer.from(rpId)), Buffer.from([flags]), counter, rest])
}

function sha256(data: Buffer): Buffer {
  return createHash('sha256').update(data).digest()
}

/** A number, a text, bytes, or a map of these. */
type Item = number | string | Buffer | ReadonlyMap<number | string, Item>

/** CBOR (RFC 8949) of the few things that WebAuthn needs. */
function cbor(item: Item): Buffer {
  if (typeof item === 'number') return item < 0 ? head(1, -1 - item) : head(0, item)
  if (typeof item === 'string') return Buffer.concat([head(3, Buffer.byteLength(item)), Buffer.from(item)])
  if (Buffer.isBuffer(item)) return Buffer.concat([head(2, item.length), item])
  return Buffer.concat([head(5, item.size), ...[...item].flat().map(cbor)])
}

function head(majorType: number, value: number): Buffer {
  const type = majorType << 5
  if (value < 24) return Buffer.from([type | value])
  return value < 256 ? Buffer.from([type | 24, value]) : Buffer.from([type | 25, value >> 8, value & 255])
}
