import { isDevelopmentBuild, type UpdateCheckResponse } from '@slipway/contract'
import { describeError } from '@slipway/request-log'
import { systemActor } from '../authz/index.ts'
import type { AppContext } from '../context.ts'
import { GuardedFetch } from '../outbound/index.ts'
import { PeriodicJob } from '../periodic-job/index.ts'
import { isNewer, type Release, releaseFrom } from './release.ts'
import { readRelease, storeRelease } from './store.ts'

const DAY_MS = 24 * 60 * 60_000
/** Another replica may have asked meanwhile, and a feed that did not answer is asked again. */
const LOOK_MS = 60 * 60_000
const TIMEOUT_MS = 30_000
const MAX_BYTES = 64 * 1024

/**
 * Knows the newest release: from the feed that the operator names, which is asked once a day, and by one replica for all
 * (OP-113). Without a feed, in a development build, or until it has answered once, this release is the newest. Nobody's
 * request waits for the feed, and none fails with it.
 */
export class UpdateCheck implements AsyncDisposable {
  readonly #context: Pick<AppContext, 'config' | 'clock' | 'database' | 'log' | 'version'>
  readonly #job: PeriodicJob | undefined
  readonly #outside: GuardedFetch
  #newest: Release | undefined

  constructor(context: Pick<AppContext, 'config' | 'clock' | 'database' | 'log' | 'version'>) {
    this.#context = context
    const { updateCheck, updateCheckUrl, updateCheckAllowedPrivateCidrs } = context.config
    this.#outside = new GuardedFetch(updateCheckAllowedPrivateCidrs)
    if (!updateCheck || updateCheckUrl === '' || isDevelopmentBuild(context.version)) return
    this.#job = new PeriodicJob(context, {
      service: 'update-check',
      pauseMs: LOOK_MS,
      failure: 'the newest release could not be read or stored',
      round: (closing) => this.#look(updateCheckUrl, closing),
    })
  }

  /** Whether this release is the newest one that is known. */
  get answer(): UpdateCheckResponse {
    const { version } = this.#context
    return this.#newest !== undefined && isNewer(this.#newest.version, version)
      ? { current: false, ...this.#newest }
      : { current: true, version, url: '' }
  }

  async #look(feed: string, closing: AbortSignal): Promise<void> {
    const { clock, database, log } = this.#context
    const actor = systemActor('update_checker', 'the deployment learns of newer releases')
    const stored = await readRelease(actor, database.db)
    this.#newest = stored?.release
    const now = clock.now()
    if (stored !== undefined && now.getTime() - stored.askedAt.getTime() < DAY_MS) return
    try {
      this.#newest = await this.#ask(feed, closing)
    } catch (error) {
      closing.throwIfAborted()
      log.warn('the feed of releases did not answer; it is asked again in an hour', {
        error: describeError(error),
      })
      return
    }
    await storeRelease(actor, database.db, { release: this.#newest, askedAt: now })
  }

  async #ask(feed: string, signal: AbortSignal): Promise<Release> {
    const response = await this.#outside.fetch(
      { timeoutMs: TIMEOUT_MS, maxBytes: MAX_BYTES, redirects: 'same-origin' },
      feed,
      { signal, headers: { Accept: 'application/json' } },
    )
    const text = await response.text()
    if (!response.ok) throw new Error(`the feed answered with status ${response.status}`)
    return releaseFrom(JSON.parse(text))
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#job?.[Symbol.asyncDispose]()
    this.#outside[Symbol.dispose]()
  }
}
