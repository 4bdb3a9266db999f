import { createHash } from 'node:crypto'

import { calculateJwkThumbprint, EmbeddedJWK, errors, type JWTPayload, jwtVerify } from 'jose'

import { canonicalTarget, DPOP_ALGORITHMS } from '../edge/index.ts'
import { oauthDescription } from '../errors/index.ts'

/** The last is the same as `EdDSA` by its newer name (RFC 9864). */
const ALGORITHMS = [...DPOP_ALGORITHMS, 'Ed25519']

/** Characters; a proof with a key of RSA of 4,096 bits has about 2,000. */
const MAX_PROOF = 6_000
const MAX_JTI = 512
/** RSA: characters of a modulus of 4,096 bits and of an exponent of 32 bits; beyond that a check costs too much. */
const MAX_MODULUS = 683
const MAX_EXPONENT = 6
/** How far the clock of a client may be off, in seconds. That the proof is new is what the nonce says. */
const IAT_TOLERANCE = 120
/** How long a used proof is remembered beyond that, for replicas whose clocks differ, in seconds. */
const MEMORY = 60

/** A proof and what it has to be for. */
export interface ProofRequest {
  /** The header `DPoP`, or both of two. */
  readonly proof: string | readonly string[] | undefined
  readonly method: string
  /** Address as the client knows it: under the access URL, without a query. */
  readonly url: string
  /** The token that it goes with; absent at the token endpoint. */
  readonly accessToken?: string | undefined
  /** Thumbprint of the key that the token is bound to; absent where any key will do. */
  readonly thumbprint?: string | undefined
}

/** What a good proof says, before it is known whether it was used. */
export interface Proof {
  readonly thumbprint: string
  readonly id: string
  readonly nonce: string | undefined
  /** When it is good for nobody any more, in milliseconds. */
  readonly expiresAt: number
}

/** A proof is not good; the message is for the developer of the client. */
export class ProofError extends Error {
  override readonly name = 'ProofError'
}

/**
 * Checks all of a proof that can be seen in it alone (RFC 9449 section 4.3).
 *
 * @throws ProofError.
 */
export async function checkProof(request: ProofRequest, now: Date): Promise<Proof> {
  const { proof: text } = request
  if (typeof text !== 'string' || text === '') throw new ProofError('Send one proof in the header DPoP.')
  if (text.length > MAX_PROOF) throw new ProofError('The DPoP proof is too long.')
  const { payload, jwk } = await verified(text, now)
  const { htm, htu, iat, jti, ath, nonce } = payload
  if (htm !== request.method) throw new ProofError('The DPoP proof is for another method (htm).')
  if (typeof htu !== 'string' || withoutQuery(htu) !== withoutQuery(request.url))
    throw new ProofError('The DPoP proof is for another address (htu).')
  if (request.accessToken !== undefined && ath !== digest(request.accessToken))
    throw new ProofError('The DPoP proof is for another access token (ath).')
  const seconds = now.getTime() / 1000
  if (iat === undefined || Math.abs(seconds - iat) > IAT_TOLERANCE)
    throw new ProofError('The DPoP proof was not made just now (iat).')
  if (typeof jti !== 'string' || jti === '' || jti.length > MAX_JTI)
    throw new ProofError('The DPoP proof has no usable jti.')
  if (nonce !== undefined && typeof nonce !== 'string')
    throw new ProofError('The nonce of the DPoP proof is not a text.')
  const thumbprint = await calculateJwkThumbprint(jwk)
  if (request.thumbprint !== undefined && request.thumbprint !== thumbprint)
    throw new ProofError('The access token is bound to another key.')
  return { thumbprint, id: jti, nonce, expiresAt: (iat + IAT_TOLERANCE + MEMORY) * 1000 }
}

async function verified(
  text: string,
  now: Date,
): Promise<{ payload: JWTPayload; jwk: Record<string, unknown> }> {
  try {
    const { payload, protectedHeader } = await jwtVerify(
      text,
      (header, token) => {
        // Before anything is calculated with it.
        refuseUnfitKey(header?.jwk)
        return EmbeddedJWK(header, token)
      },
      { algorithms: ALGORITHMS, typ: 'dpop+jwt', currentDate: now, clockTolerance: IAT_TOLERANCE },
    )
    return { payload, jwk: { ...protectedHeader.jwk } }
  } catch (error) {
    if (error instanceof ProofError) throw error
    // Keys that do not fit their algorithm are refused by the cryptography itself, with errors of all kinds.
    if (error instanceof errors.JOSEError || error instanceof TypeError || error instanceof DOMException)
      throw new ProofError(`The DPoP proof is not valid: ${oauthDescription(error.message)}`, {
        cause: error,
      })
    throw error
  }
}

const PRIVATE = ['d', 'p', 'q', 'dp', 'dq', 'qi', 'oth', 'k']

function refuseUnfitKey(jwk: unknown): void {
  if (typeof jwk !== 'object' || jwk === null) throw new ProofError('The DPoP proof names no key (jwk).')
  if (PRIVATE.some((member) => member in jwk))
    throw new ProofError('The key of the DPoP proof is not public.')
  if ('n' in jwk && (typeof jwk.n !== 'string' || jwk.n.length > MAX_MODULUS))
    throw new ProofError('The key of the DPoP proof is too long.')
  if ('e' in jwk && (typeof jwk.e !== 'string' || jwk.e.length > MAX_EXPONENT))
    throw new ProofError('The exponent of the key of the DPoP proof is too long.')
}

/** An address as proofs are compared (RFC 9449 section 4.3, number 9); undefined for none. */
function withoutQuery(text: string): string | undefined {
  if (!URL.canParse(text)) return undefined
  const { protocol, username, password, host, pathname } = new URL(text)
  return username + password === '' ? `${protocol}//${host}${canonicalTarget(pathname)}` : undefined
}

function digest(text: string): string {
  return createHash('sha256').update(text).digest('base64url')
}
