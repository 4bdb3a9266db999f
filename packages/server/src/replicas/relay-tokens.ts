import { errors, jwtVerify, SignJWT } from 'jose'

const ISSUER = 'replica'
const SECONDS = 30

/** Proofs between replicas: whoever holds the shared secret may use the tunnel of one agent, for a moment. */
export class RelayTokens {
  readonly #secret: Uint8Array

  constructor(secret: Uint8Array) {
    this.#secret = secret
  }

  /** A token for the tunnel of this agent. */
  sign(agentId: string): Promise<string> {
    return new SignJWT()
      .setProtectedHeader({ alg: 'HS256' })
      .setIssuer(ISSUER)
      .setSubject(agentId)
      .setExpirationTime(`${SECONDS}s`)
      .sign(this.#secret)
  }

  /** Whether the token is ours, in time, and for this agent. */
  async verify(agentId: string, token: string): Promise<boolean> {
    try {
      await jwtVerify(token, this.#secret, { algorithms: ['HS256'], issuer: ISSUER, subject: agentId })
      return true
    } catch (error) {
      if (error instanceof errors.JOSEError) return false
      throw error
    }
  }
}
