import { Histogram } from 'prom-client'
import type { WebSocket } from 'ws'

import { describeError } from '@slipway/request-log'
import { TunnelClient } from '@slipway/tunnel'
import { systemActor } from '../authz/index.ts'
import type { AppContext } from '../context.ts'
import { ApiError } from '../errors/index.ts'
import { labelled } from '../profile-labels/index.ts'
import type { UsageRecorder } from '../usage/index.ts'
import { AgentRelays } from './relays.ts'
import { filterMayStay, markAlive, markConnected, markDisconnected } from './store/agents.ts'

const noter = systemActor('provisionerd', 'notes the connection of an agent, whatever its owner may do')
const ALIVE_MS = 15_000
const API_VERSION = '2.0'
/** How long a request waits for an agent that is about to connect again. */
const RECONNECT_GRACE_MS = 3_000

/**
 * The tunnels of the agents that are connected to this replica. An agent has one tunnel: a new one replaces
 * the old, which may be half-open.
 */
export class AgentTunnels implements AsyncDisposable {
  readonly #context: AppContext
  readonly #usage: Pick<UsageRecorder, 'traffic'>
  readonly #tunnels = new Map<string, TunnelClient>()
  readonly #waiting = new Map<string, Set<() => void>>()
  readonly #timer: NodeJS.Timeout
  readonly #subscription: Disposable
  /** By agent, what is still being noted of a tunnel that has ended. */
  readonly #endings = new Map<string, Promise<void>>()
  readonly #relays: AgentRelays
  readonly #firstSeconds: Histogram<'agent_name' | 'template_name'>

  constructor(context: AppContext, usage: Pick<UsageRecorder, 'traffic'>) {
    this.#context = context
    this.#usage = usage
    this.#relays = new AgentRelays(context)
    this.#firstSeconds = new Histogram({
      name: 'coderd_agents_first_connection_seconds',
      help: 'Time from the build of an agent to its first connection.',
      labelNames: ['agent_name', 'template_name'],
      buckets: [1, 10, 30, 60, 120, 300, 600, 1_800, 3_600],
      registers: [context.metrics],
    })
    this.#timer = setInterval(() => void labelled('agent-rpc', () => this.#beat()), ALIVE_MS).unref()
    this.#subscription = context.database.feed.subscribe({
      kinds: new Set(['workspace_agent']),
      onEvent: (event) => {
        if (this.#tunnels.has(event.key)) void this.#review([event.key])
      },
      onReset: () => {
        void this.#review([...this.#tunnels.keys()])
      },
    })
  }

  /** Number of connected agents. */
  get size(): number {
    return this.#tunnels.size
  }

  /**
   * Takes the tunnel of an agent that has dialled; it is in use when this resolves (AC-21).
   *
   * @throws Error when it cannot be noted: the tunnel is closed then, and the agent dials again.
   */
  async adopt(agentId: string, socket: WebSocket): Promise<void> {
    const tunnel = new TunnelClient(socket)
    tunnel.measure()
    this.#tunnels.get(agentId)?.[Symbol.dispose]()
    this.#tunnels.set(agentId, tunnel)
    const noted = this.#noteBeginning(agentId, this.#endings.get(agentId))
    const ending = tunnel.closed.then(() => this.#noteEnd(agentId, tunnel, noted))
    this.#endings.set(agentId, ending)
    void ending.finally(() => {
      if (this.#endings.get(agentId) === ending) this.#endings.delete(agentId)
    })
    try {
      await noted
    } catch (error) {
      tunnel[Symbol.dispose]()
      throw error
    }
    for (const wake of this.#waiting.get(agentId) ?? []) wake()
  }

  /** @param before the end of the tunnel before, which must not be noted after the beginning of this one. */
  async #noteBeginning(agentId: string, before: Promise<void> | undefined): Promise<void> {
    const { database, replicaId } = this.#context
    await before
    const first = await markConnected(noter, database.db, agentId, replicaId, API_VERSION)
    if (first === undefined || first.seconds < 0) return
    const { agent_name, template_name } = first
    this.#firstSeconds.observe({ agent_name, template_name: template_name ?? '' }, first.seconds)
  }

  async #noteEnd(agentId: string, tunnel: TunnelClient, noted: Promise<void>): Promise<void> {
    const { database, replicaId, log } = this.#context
    this.#noteTraffic(agentId, tunnel)
    if (this.#tunnels.get(agentId) === tunnel) this.#tunnels.delete(agentId)
    // Who waits for it hears of a failure.
    await noted.catch(() => undefined)
    if (this.#tunnels.has(agentId)) return
    try {
      await markDisconnected(noter, database.db, agentId, replicaId)
    } catch (error) {
      // The status follows from the last sign of life 30 s later all the same.
      log.warn('an agent that left could not be marked', { error: describeError(error) })
    }
  }

  /** Seconds to an agent and back, if it is connected to this very replica and that is known. */
  roundTripSeconds(agentId: string): number | undefined {
    const ms = this.#tunnels.get(agentId)?.roundTripMs
    return ms === undefined ? undefined : ms / 1_000
  }

  /** The tunnel of an agent that is connected to this very replica. */
  local(agentId: string): TunnelClient | undefined {
    const tunnel = this.#tunnels.get(agentId)
    return tunnel?.open === true ? tunnel : undefined
  }

  /**
   * The tunnel of an agent, through another replica if it is connected there; waits a moment for one that is
   * connecting.
   *
   * @throws ApiError 502 without one.
   */
  async get(agentId: string): Promise<TunnelClient> {
    const tunnel = this.local(agentId) ?? (await this.#relays.get(agentId)) ?? (await this.#wait(agentId))
    if (tunnel?.open === true) return tunnel
    throw new ApiError(502, 'The workspace agent is not connected.', {
      detail: 'Wait until the workspace shows as connected, or restart it.',
    })
  }

  async #wait(agentId: string): Promise<TunnelClient | undefined> {
    const waiters = this.#waiting.get(agentId) ?? new Set()
    this.#waiting.set(agentId, waiters)
    await new Promise<void>((resolve) => {
      const wake = (): void => {
        clearTimeout(timer)
        waiters.delete(wake)
        resolve()
      }
      const timer = setTimeout(wake, RECONNECT_GRACE_MS)
      waiters.add(wake)
    })
    if (waiters.size === 0 && this.#waiting.get(agentId) === waiters) this.#waiting.delete(agentId)
    return this.local(agentId) ?? this.#relays.get(agentId)
  }

  async #beat(): Promise<void> {
    for (const [agentId, tunnel] of this.#tunnels) {
      this.#noteTraffic(agentId, tunnel)
      tunnel.measure()
    }
    try {
      await markAlive(noter, this.#context.database.db, [...this.#tunnels.keys()])
      await this.#review([...this.#tunnels.keys()])
    } catch (error) {
      this.#context.log.warn('connected agents could not be noted', { error: describeError(error) })
    }
  }

  /** What the server sends, the workspace receives. */
  #noteTraffic(agentId: string, tunnel: TunnelClient): void {
    const { sent, received } = tunnel.takeTraffic()
    this.#usage.traffic(agentId, { rxBytes: sent, txBytes: received, latencyMs: tunnel.roundTripMs })
  }

  /** Ends the tunnels of agents whose build is not the latest any more, with one statement for all (AC-22). */
  async #review(agentIds: readonly string[]): Promise<void> {
    try {
      const staying = await filterMayStay(noter, this.#context.database.db, agentIds)
      for (const id of agentIds) if (!staying.has(id)) this.#tunnels.get(id)?.[Symbol.dispose]()
    } catch (error) {
      // Trouble with the database is no reason to cut anybody off (AC-6).
      this.#context.log.warn('an agent could not be checked', { error: describeError(error) })
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    clearInterval(this.#timer)
    this.#subscription[Symbol.dispose]()
    this.#relays[Symbol.dispose]()
    for (const tunnel of this.#tunnels.values()) tunnel[Symbol.dispose]()
    await Promise.all(this.#endings.values())
  }
}
