import type { WebSocket } from 'ws'

import { describeError } from '@slipway/request-log'
import { type Actor, isAllowed, systemActor } from '../authz/index.ts'
import type { AppContext } from '../context.ts'
import { ApiError } from '../errors/index.ts'
import { WatchingActor } from '../identity/index.ts'
import { listEndedBuilds } from './store/builds.ts'
import { workspaceObject } from './store/workspace-object.ts'

/** A watcher that is this far behind loses events instead of holding memory (WS-203). */
const MAX_BACKLOG_BYTES = 256 * 1024
/** Builds that end together are read together. */
const GAP_MS = 25
const ENDED = new Set(['succeeded', 'failed', 'canceled'])

interface Watcher {
  readonly actor: WatchingActor
  readonly socket: WebSocket
}

/**
 * Tells watchers of every build that has ended (WS-203), each of those it may read. One statement reads what
 * ended, however many watch.
 */
export class BuildFeed implements Disposable {
  readonly #context: AppContext
  readonly #watchers = new Set<Watcher>()
  readonly #ended = new Set<string>()
  readonly #subscription: Disposable
  #timer: NodeJS.Timeout | undefined

  constructor(context: AppContext) {
    this.#context = context
    this.#subscription = context.database.feed.subscribe({
      kinds: new Set(['provisioner_job']),
      onEvent: ({ key, data }) => {
        if (this.#watchers.size === 0 || data.type !== 'workspace_build') return
        if (!ENDED.has(String(data.job_status))) return
        this.#ended.add(key)
        this.#timer ??= setTimeout(() => void this.#tell(), GAP_MS)
      },
      // Watchers read their lists again when they come back.
      onReset: () => {
        for (const { socket } of this.#watchers)
          socket.close(1012, 'events may have been missed, connect again')
      },
    })
  }

  /** Adds a watcher until its socket closes. */
  watch(actor: Actor, socket: WebSocket): void {
    const watcher = { actor: new WatchingActor(this.#context, actor, () => undefined), socket }
    this.#watchers.add(watcher)
    socket.on('close', () => {
      this.#watchers.delete(watcher)
      watcher.actor[Symbol.dispose]()
    })
  }

  async #tell(): Promise<void> {
    this.#timer = undefined
    const jobs = [...this.#ended]
    this.#ended.clear()
    try {
      const builds = await listEndedBuilds(
        systemActor(
          'provisionerd',
          'one reader for all watchers; each is asked for its rights before it is sent anything',
        ),
        this.#context.database.db,
        jobs,
      )
      const readers = await this.#readers()
      for (const build of builds) {
        const object = workspaceObject({ ...build, id: build.workspace_id })
        const event = JSON.stringify({
          workspace_id: build.workspace_id,
          workspace_name: build.workspace_name,
          build_id: build.id,
          transition: build.transition,
          job_status: build.job.job_status,
          build_number: build.build_number,
        })
        for (const { actor, socket } of readers)
          if (isAllowed(actor, 'read', object) && socket.bufferedAmount < MAX_BACKLOG_BYTES)
            socket.send(event)
      }
    } catch (error) {
      this.#context.log.warn('builds that ended could not be told', { error: describeError(error) })
    }
  }

  /** Who watches, with the rights that they have now; whose account is gone is sent away. */
  async #readers(): Promise<{ readonly actor: Actor; readonly socket: WebSocket }[]> {
    const readers: { readonly actor: Actor; readonly socket: WebSocket }[] = []
    for (const { actor, socket } of [...this.#watchers])
      try {
        readers.push({ actor: await actor.current(), socket })
      } catch (error) {
        if (!(error instanceof ApiError)) throw error
        socket.close(1008, 'the account is not active any more')
      }
    return readers
  }

  [Symbol.dispose](): void {
    clearTimeout(this.#timer)
    this.#subscription[Symbol.dispose]()
  }
}
