import { createHash, type KeyObject, type X509Certificate } from 'node:crypto'

import { SignJWT } from 'jose'

/** How a client proves itself at the token endpoint (RFC 6749 section 2.3, RFC 7523). */
export type ClientAuthentication =
  /** For public clients, such as those of a device flow. */
  | { readonly method: 'none' }
  | { readonly method: 'client_secret_basic'; readonly secret: string }
  | { readonly method: 'client_secret_post'; readonly secret: string }
  | {
      readonly method: 'private_key_jwt'
      readonly key: KeyObject
      /** Names the key in the header of the assertion, as some providers demand. */
      readonly certificate: X509Certificate | undefined
    }

const ASSERTION_SECONDS = 60

/** Adds the proof to a form and to the headers that go with it. `audience` is the token endpoint. */
export async function authenticateClient(
  form: URLSearchParams,
  headers: Headers,
  clientId: string,
  authentication: ClientAuthentication,
  audience: string,
): Promise<void> {
  switch (authentication.method) {
    case 'none':
      form.set('client_id', clientId)
      return
    case 'client_secret_basic':
      headers.set(
        'Authorization',
        `Basic ${Buffer.from(`${formEncoded(clientId)}:${formEncoded(authentication.secret)}`).toString('base64')}`,
      )
      return
    case 'client_secret_post':
      form.set('client_id', clientId)
      form.set('client_secret', authentication.secret)
      return
    case 'private_key_jwt':
      form.set('client_id', clientId)
      form.set('client_assertion_type', 'urn:ietf:params:oauth:client-assertion-type:jwt-bearer')
      form.set('client_assertion', await assertion(clientId, authentication, audience))
  }
}

async function assertion(
  clientId: string,
  { key, certificate }: Extract<ClientAuthentication, { method: 'private_key_jwt' }>,
  audience: string,
): Promise<string> {
  const now = Math.floor(Date.now() / 1000)
  return new SignJWT({ jti: crypto.randomUUID() })
    .setProtectedHeader({
      alg: algorithmOf(key),
      typ: 'JWT',
      ...(certificate === undefined
        ? {}
        : { x5t: thumbprint(certificate, 'sha1'), 'x5t#S256': thumbprint(certificate, 'sha256') }),
    })
    .setIssuer(clientId)
    .setSubject(clientId)
    .setAudience(audience)
    .setIssuedAt(now)
    .setNotBefore(now)
    .setExpirationTime(now + ASSERTION_SECONDS)
    .sign(key)
}

function algorithmOf(key: KeyObject): string {
  switch (key.asymmetricKeyType) {
    case 'rsa':
      return 'RS256'
    case 'ed25519':
      return 'EdDSA'
    case 'ec':
      switch (key.asymmetricKeyDetails?.namedCurve) {
        case 'prime256v1':
          return 'ES256'
        case 'secp384r1':
          return 'ES384'
        case 'secp521r1':
          return 'ES512'
        default:
          throw new Error(`client assertions cannot be signed on the curve of this key`)
      }
    default:
      throw new Error(`client assertions cannot be signed with a key of type ${key.asymmetricKeyType}`)
  }
}

function thumbprint(certificate: X509Certificate, algorithm: 'sha1' | 'sha256'): string {
  return createHash(algorithm).update(certificate.raw).digest('base64url')
}

/** RFC 6749 section 2.3.1: both halves are form-encoded before they are joined. */
function formEncoded(text: string): string {
  return new URLSearchParams({ '': text }).toString().slice(1)
}
