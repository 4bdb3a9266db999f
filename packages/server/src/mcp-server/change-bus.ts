import { AsyncLocalStorage } from 'node:async_hooks'

import type { ServerEvent, ServerEventBus } from '@modelcontextprotocol/server'

import { describeError, type Logger } from '@slipway/request-log'

/** What a stream may hear of. */
interface Audience {
  /** Addresses of the resources that it was opened for. */
  readonly uris: ReadonlySet<string>
  /** Whether its client may see such a resource at this moment. */
  readonly maySee: (uri: string) => Promise<boolean>
}

/** Tells streams of 2026-07-28 what has changed, each only of what its client may still see (OA-B20). */
export class ChangeBus implements ServerEventBus {
  readonly #log: Logger
  readonly #listeners = new Set<(event: ServerEvent) => void>()
  readonly #audience = new AsyncLocalStorage<Audience>()

  constructor(log: Logger) {
    this.#log = log
  }

  /** Runs what may open a stream; the one that it opens is told only what its audience may see. */
  runFor<T>(audience: Audience, work: () => T): T {
    return audience.uris.size === 0 ? work() : this.#audience.run(audience, work)
  }

  publish(event: ServerEvent): void {
    for (const listener of this.#listeners) listener(event)
  }

  subscribe(listener: (event: ServerEvent) => void): () => void {
    const audience = this.#audience.getStore()
    const own = (event: ServerEvent): void => {
      if (event.kind !== 'resource_updated' || audience === undefined) listener(event)
      else if (audience.uris.has(event.uri)) void this.#tell(audience, event.uri, () => listener(event))
    }
    this.#listeners.add(own)
    return () => void this.#listeners.delete(own)
  }

  async #tell({ maySee }: Audience, uri: string, tell: () => void): Promise<void> {
    try {
      if (await maySee(uri)) tell()
    } catch (error) {
      this.#log.warn('a subscriber could not be told', { error: describeError(error) })
    }
  }
}
