import type { AppContext } from '../context.ts'
import { ping } from './store.ts'

const ANSWER_MS = 1_000

/**
 * Whether this process should be sent requests (OP-111): not while its database does not answer within a second, while it
 * does not hear of changes, or once it has begun to stop.
 */
export class Readiness {
  readonly #database: AppContext['database']
  #stopping = false
  /** One question is on its way at a time, however many ask. */
  #asking: Promise<unknown> | undefined

  constructor({ database }: Pick<AppContext, 'database'>) {
    this.#database = database
  }

  /** From now on it is not ready. */
  stop(): void {
    this.#stopping = true
  }

  /** What keeps it from being ready; undefined when nothing does. Details are for the log of the server, not for strangers. */
  async problem(): Promise<string | undefined> {
    if (this.#stopping) return 'The server is about to stop.'
    if (!this.#database.feed.connected) return 'The server does not hear of changes in the database.'
    return (await this.#databaseAnswers()) ? undefined : 'The database does not answer within a second.'
  }

  async #databaseAnswers(): Promise<boolean> {
    this.#asking ??= ping(this.#database.db).finally(() => {
      this.#asking = undefined
    })
    const late = Promise.withResolvers<boolean>()
    const timer = setTimeout(() => late.resolve(false), ANSWER_MS)
    try {
      return await Promise.race([
        this.#asking.then(
          () => true,
          () => false,
        ),
        late.promise,
      ])
    } finally {
      clearTimeout(timer)
    }
  }
}
