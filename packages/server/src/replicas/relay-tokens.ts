import { errors, jwtVerify, SignJWT } from 'jose'

/** Header with the proof that another replica is asking. */
export const RELAY_TOKEN_HEADER = 'x-slipway-relay-token'
const ISSUER = 'replica'
const SECONDS = 30

/** Proofs between replicas: whoever holds the shared secret may ask for one thing, for a moment. */
export class RelayTokens {
  readonly #secret: Uint8Array

  constructor(secret: Uint8Array) {
    this.#secret = secret
  }

  /** A token for what is asked for: the id of an agent, whose tunnel that is, or `chat:` and the id of a chat. */
  sign(subject: string): Promise<string> {
    return new SignJWT()
      .setProtectedHeader({ alg: 'HS256' })
      .setIssuer(ISSUER)
      .setSubject(subject)
      .setExpirationTime(`${SECONDS}s`)
      .sign(this.#secret)
  }

  /** Whether the token is ours, in time, and for this. */
  async verify(subject: string, token: string): Promise<boolean> {
    try {
      await jwtVerify(token, this.#secret, { algorithms: ['HS256'], issuer: ISSUER, subject })
      return true
    } catch (error) {
      if (error instanceof errors.JOSEError) return false
      throw error
    }
  }
}
