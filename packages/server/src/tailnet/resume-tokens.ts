import { errors, jwtVerify, SignJWT } from 'jose'

import type { KeyRing } from '../crypto-keys/index.ts'

const EXPIRES_SECONDS = 24 * 3_600
/** When a client asks for the next one. */
const REFRESH_SECONDS = 12 * 3_600

const UUID = /^[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}$/

/** A proof that its bearer was a certain peer, and what to know of it. */
export interface ResumeToken {
  readonly token: string
  readonly refreshInSeconds: number
  readonly expiresAt: Date
}

/** Lets a client whose connection broke come back as the peer that it was (AC-143). */
export class ResumeTokens {
  readonly #keys: Pick<KeyRing, 'signing' | 'find'>

  constructor(keys: Pick<KeyRing, 'signing' | 'find'>) {
    this.#keys = keys
  }

  async issue(peerId: string, now: Date): Promise<ResumeToken> {
    const key = await this.#keys.signing()
    const expiresAt = new Date(now.getTime() + EXPIRES_SECONDS * 1_000)
    const token = await new SignJWT()
      .setProtectedHeader({ alg: 'HS512', kid: key.id })
      .setSubject(peerId)
      .setIssuedAt(now)
      .setExpirationTime(expiresAt)
      .sign(key.secret)
    return { token, refreshInSeconds: REFRESH_SECONDS, expiresAt }
  }

  /**
   * The peer that a token names.
   *
   * @returns undefined without a token, and for one that names no key: both make a new peer. `invalid` for all others
   * that are not ours or have ended.
   */
  async read(token: string, now: Date): Promise<string | undefined | 'invalid'> {
    if (token === '') return undefined
    let isNamed = true
    try {
      const { payload } = await jwtVerify(
        token,
        async ({ kid }) => {
          isNamed = kid !== undefined
          const key = kid === undefined ? undefined : await this.#keys.find(kid)
          if (key === undefined) throw new errors.JWKSNoMatchingKey()
          return key.secret
        },
        { algorithms: ['HS512'], currentDate: now },
      )
      return payload.sub !== undefined && UUID.test(payload.sub) ? payload.sub : 'invalid'
    } catch (error) {
      if (!(error instanceof errors.JOSEError)) throw error
      return isNamed ? 'invalid' : undefined
    }
  }
}
