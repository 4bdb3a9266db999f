import { LRUCache } from 'lru-cache'

import { type Actor, ALLOW_ALL } from '../../authz/index.ts'
import type { AppContext } from '../../context.ts'
import type { RequestContext, ValidatedKey } from '../../edge/index.ts'
import { ApiError } from '../../errors/index.ts'
import { getKey } from '../store/keys.ts'
import { createAppConnectKey, type IssuedKey, requireWithinOwnScope } from './create-token.ts'

/** Sessions and hosts whose keys are remembered; further ones get new keys. */
const MAX_KEYS = 10_000

type Opener = Pick<ValidatedKey, 'id' | 'userId' | 'expiresAt' | 'loginType'>

/**
 * Keys for the hosts of apps: a session gets one for each host, however often it comes there (AC-307). Only this process
 * knows what they are, since the database has their hashes, so that each replica makes its own, and anew after a restart.
 */
export class AppConnectKeys {
  readonly #context: AppContext
  readonly #made = new LRUCache<string, Promise<IssuedKey>>({ max: MAX_KEYS })

  constructor(context: AppContext) {
    this.#context = context
  }

  /** The key of a session for a host. @throws ApiError as {@link createAppConnectKey}. */
  async get(actor: Actor, request: RequestContext, opener: Opener, host: string): Promise<string> {
    requireWithinOwnScope(actor, ['coder:application_connect'], ALLOW_ALL)
    const name = `${opener.id} ${host}`
    const made = this.#made.get(name)
    if (made !== undefined && (await this.#isGood(actor, opener, made))) return (await made).key
    // Of several visits at once the first makes it, and the others wait for that.
    const other = this.#made.get(name)
    const making =
      other === undefined || other === made
        ? createAppConnectKey(this.#context, actor, request, opener)
        : other
    this.#made.set(name, making)
    try {
      return (await making).key
    } catch (error) {
      if (this.#made.get(name) === making) this.#made.delete(name)
      throw error
    }
  }

  /** Whether it is still there, and has not come near its end long before its session. */
  async #isGood(actor: Actor, opener: Opener, made: Promise<IssuedKey>): Promise<boolean> {
    try {
      const { expires_at: end } = await getKey(actor, this.#context.database.db, (await made).row.id)
      const now = this.#context.clock.now().getTime()
      return end.getTime() - now > Math.max(0, (opener.expiresAt.getTime() - now) / 2)
    } catch (error) {
      if (error instanceof ApiError && error.status < 500) return false
      throw error
    }
  }
}
