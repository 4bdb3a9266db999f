import { setTimeout as delay } from 'node:timers/promises'

import { type ServedMethod, serveCall, YamuxSession } from '@slipway/drpc'
import { describeError } from '@slipway/request-log'
import type { AgentTunnels } from '../agents/index.ts'
import type { AppContext } from '../context.ts'
import type { DerpRelay } from '../derp/index.ts'

/** What an agent is asked for to become a peer; see the agent's own `tailnet` folder. */
const AUTHORITY = 'tailnet:0'
/** How long an agent stays a peer when nobody wants to talk to it. */
const LINGER_MS = 60_000
const FIRST_PAUSE_MS = 500
const LAST_PAUSE_MS = 30_000

interface AttachmentParts {
  readonly context: AppContext
  readonly tunnels: AgentTunnels
  readonly relay: DerpRelay
  /** What an agent can call. */
  readonly calls: (agentId: string) => ReadonlyMap<string, ServedMethod>
  readonly isWanted: (agentId: string) => boolean
  readonly isConnected: (agentId: string) => boolean
}

/**
 * Makes our own agents peers of a tailnet as long as somebody wants to talk to them. They have a tunnel to the control
 * plane already: on a stream of it they call the coordinator and reach the relay of this very replica, and what peers
 * send to each other stays encrypted between the two.
 */
export class AgentAttachments implements AsyncDisposable {
  readonly #parts: AttachmentParts
  readonly #open = new Map<string, { readonly stop: AbortController; readonly done: Promise<void> }>()
  readonly #lingering = new Map<string, NodeJS.Timeout>()
  /** By agent, who waits for it to connect. */
  readonly #wakes = new Map<string, () => void>()
  readonly #subscription: Disposable
  #closed = false

  constructor(parts: AttachmentParts) {
    this.#parts = parts
    this.#subscription = parts.context.database.feed.subscribe({
      kinds: new Set(['workspace_agent']),
      onEvent: ({ key }) => this.#wakes.get(key)?.(),
      onReset: () => {
        for (const wake of this.#wakes.values()) wake()
      },
    })
  }

  /** Somebody wants to talk to an agent. */
  attach(agentId: string): void {
    clearTimeout(this.#lingering.get(agentId))
    this.#lingering.delete(agentId)
    // An agent that is a peer by itself needs no help.
    const { isConnected, isWanted } = this.#parts
    if (this.#closed || this.#open.has(agentId) || isConnected(agentId) || !isWanted(agentId)) return
    const stop = new AbortController()
    this.#open.set(agentId, { stop, done: this.#keep(agentId, stop.signal) })
  }

  /** Nobody wants to talk to an agent any more; it stays a while for who comes back. */
  detach(agentId: string): void {
    const open = this.#open.get(agentId)
    if (open === undefined) return
    clearTimeout(this.#lingering.get(agentId))
    const end = (): void => {
      this.#lingering.delete(agentId)
      if (!this.#parts.isWanted(agentId)) open.stop.abort()
    }
    this.#lingering.set(agentId, setTimeout(end, LINGER_MS).unref())
  }

  /** Never rejects. */
  async #keep(agentId: string, signal: AbortSignal): Promise<void> {
    const { log } = this.#parts.context
    let pauseMs = FIRST_PAUSE_MS
    while (!signal.aborted && this.#parts.isWanted(agentId)) {
      try {
        await this.#serve(agentId, signal)
        pauseMs = FIRST_PAUSE_MS
      } catch (error) {
        log.debug('an agent could not become a peer', { agent_id: agentId, error: describeError(error) })
        pauseMs = Math.min(2 * pauseMs, LAST_PAUSE_MS)
      }
      await this.#untilConnected(agentId, pauseMs, signal)
    }
    this.#open.delete(agentId)
  }

  /** One connection of the agent, until it is over. @throws Error when there is none. */
  async #serve(agentId: string, signal: AbortSignal): Promise<void> {
    const { context, tunnels, relay, calls } = this.#parts
    const tunnel = await tunnels.get(agentId)
    const link = await tunnel.connect(AUTHORITY, {}, signal)
    const methods = calls(agentId)
    using session = new YamuxSession(link, {
      role: 'server',
      onStream: (stream) =>
        void serveCall(stream, methods, (path, error) =>
          context.log.error('a call of an agent failed', {
            agent_id: agentId,
            path,
            error: describeError(error),
          }),
        ),
    })
    const stop = (): void => session[Symbol.dispose]()
    // Without its relay a peer is of no use; it gets both anew.
    void relay.serve(session.open()).then(stop)
    signal.addEventListener('abort', stop, { once: true })
    await session.closed
    signal.removeEventListener('abort', stop)
  }

  /** Waits a moment, or less when something is new about the agent. */
  async #untilConnected(agentId: string, pauseMs: number, signal: AbortSignal): Promise<void> {
    const woken = new AbortController()
    this.#wakes.set(agentId, () => woken.abort())
    const either = AbortSignal.any([signal, woken.signal])
    await delay(pauseMs, undefined, { signal: either, ref: false }).catch(() => undefined)
    this.#wakes.delete(agentId)
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#closed = true
    this.#subscription[Symbol.dispose]()
    for (const timer of this.#lingering.values()) clearTimeout(timer)
    for (const { stop } of this.#open.values()) stop.abort()
    await Promise.all([...this.#open.values()].map(({ done }) => done))
  }
}
