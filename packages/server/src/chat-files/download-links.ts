import { errors, jwtVerify, SignJWT } from 'jose'

import type { AppContext } from '../context.ts'
import { KeyRing } from '../crypto-keys/index.ts'

const LINK_MS = 5 * 60_000
const AUDIENCE = 'chat_file_downloads'

/** Who may load which file. */
export interface DownloadRight {
  readonly userId: string
  readonly fileId: string
}

/** Signs and reads links under which a file can be loaded for five minutes without a session (CH-443). */
export class DownloadLinks {
  readonly #keys: KeyRing
  readonly #clock: AppContext['clock']

  constructor(context: AppContext) {
    this.#keys = new KeyRing(context, 'chat_file_downloads')
    this.#clock = context.clock
  }

  /** A token for one file and the user that asked for it, and when it ends. */
  async sign({
    userId,
    fileId,
  }: DownloadRight): Promise<{ readonly token: string; readonly expiresAt: Date }> {
    const { id, secret } = await this.#keys.signing()
    const seconds = Math.floor((this.#clock.now().getTime() + LINK_MS) / 1000)
    const token = await new SignJWT({ file_id: fileId })
      .setProtectedHeader({ alg: 'HS512', kid: id })
      .setAudience(AUDIENCE)
      .setSubject(userId)
      .setExpirationTime(seconds)
      .sign(secret)
    return { token, expiresAt: new Date(seconds * 1000) }
  }

  /** What a token gives the right to; undefined when it is not ours or has ended. */
  async verify(token: string): Promise<DownloadRight | undefined> {
    try {
      const { payload } = await jwtVerify(
        token,
        async ({ kid = '' }) => {
          const key = await this.#keys.find(kid)
          if (key === undefined) throw new errors.JWKSNoMatchingKey()
          return key.secret
        },
        {
          algorithms: ['HS512'],
          audience: AUDIENCE,
          currentDate: this.#clock.now(),
          requiredClaims: ['exp', 'sub'],
        },
      )
      const { sub: userId, file_id: fileId } = payload
      return typeof userId === 'string' && typeof fileId === 'string' ? { userId, fileId } : undefined
    } catch (error) {
      if (error instanceof errors.JOSEError) return undefined
      throw error
    }
  }
}
