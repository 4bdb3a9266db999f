import { Counter } from 'prom-client'

import { describeError } from '@slipway/request-log'
import { systemActor } from '../authz/index.ts'
import type { AppContext } from '../context.ts'
import { labelled } from '../profile-labels/index.ts'
import { countByFamily, SESSION_FAMILIES, type SessionCounts } from './families.ts'
import { type AgentMinute, type AppMinute, storeUsage } from './store/minutes.ts'

const actor = systemActor('usage_tracker', 'what is used is noted, whoever uses it')

/** Entries of one write, and how long the first of them waits at most (AC-102). */
const BATCH = 1_024
const FLUSH_MS = 1_000
/** Until what could not be stored is tried again. */
const RETRY_MS = 5_000
/** Entries that wait at most; a database that is away for long loses the youngest. */
const MAX_WAITING = 20_000
/** Agents and uses of apps that are remembered, so that nothing is stored twice. */
const MAX_REMEMBERED = 50_000
const MINUTE_MS = 60_000
const NO_TRAFFIC = { rxBytes: 0, txBytes: 0, latencyMs: undefined }

/** What went through the tunnel of an agent since that was told last, in bytes, seen from the workspace. */
export interface Traffic {
  readonly rxBytes: number
  readonly txBytes: number
  /** Milliseconds to the agent and back. */
  readonly latencyMs: number | undefined
}

/**
 * Notes by the minute what is used: sessions that agents count, bytes of their tunnels, and apps that somebody opens
 * (AC-102, AC-104). It is stored in batches, and whoever tells of it waits for nothing. Where it is switched off, nothing
 * is stored.
 */
export class UsageRecorder implements AsyncDisposable {
  readonly #context: Pick<AppContext, 'clock' | 'database' | 'log'>
  readonly #isOn: boolean
  readonly #dropped: Counter
  #agents = new Map<string, AgentMinute>()
  #apps = new Map<string, AppMinute>()
  /** Whether agents had sessions when they reported last. */
  readonly #busy = new Map<string, boolean>()
  /** Uses of apps that were noted in this minute. */
  readonly #noted = { minute: 0, uses: new Set<string>() }
  #timer: NodeJS.Timeout | undefined
  #writing: Promise<void> | undefined
  #closed = false

  constructor(context: Pick<AppContext, 'clock' | 'config' | 'database' | 'log' | 'metrics'>) {
    this.#context = context
    this.#isOn = context.config.usageStatsEnable
    this.#dropped = new Counter({
      name: 'slipway_usage_dropped_total',
      help: 'Notes of what is used that could not be stored.',
      registers: [context.metrics],
    })
  }

  /** Notes the sessions that an agent has counted, by the names of programs. */
  sessions(agentId: string, counts: Readonly<Record<string, number>>): void {
    if (!this.#isOn) return
    const sessions = countByFamily(counts)
    const busy = SESSION_FAMILIES.some((family) => sessions[family] > 0)
    const before = this.#busy.get(agentId)
    // That there are none is news once.
    if (!busy && before === false) return
    if (this.#busy.size >= MAX_REMEMBERED) this.#busy.clear()
    this.#busy.set(agentId, busy)
    const ended = !busy && before === true
    this.#addAgent({ agentId, minute: this.#minute(), sessions, ended, ...NO_TRAFFIC })
  }

  /** Notes what went through the tunnel of an agent. */
  traffic(agentId: string, { rxBytes, txBytes, latencyMs }: Traffic): void {
    if (!this.#isOn || rxBytes + txBytes === 0) return
    const minute = this.#minute()
    this.#addAgent({ agentId, minute, sessions: undefined, ended: false, rxBytes, txBytes, latencyMs })
  }

  /** Notes that somebody has used an app of an agent. */
  app(agentId: string, userId: string, slug: string): void {
    if (!this.#isOn) return
    const minute = this.#minute()
    if (this.#noted.minute !== minute || this.#noted.uses.size >= MAX_REMEMBERED) {
      this.#noted.minute = minute
      this.#noted.uses.clear()
    }
    const use = `${agentId} ${userId} ${slug}`
    if (this.#noted.uses.has(use)) return
    this.#noted.uses.add(use)
    this.#addApp({ agentId, userId, slug, minute })
  }

  #minute(): number {
    return Math.floor(this.#context.clock.now().getTime() / MINUTE_MS) * MINUTE_MS
  }

  #addAgent(next: AgentMinute): void {
    const key = `${next.agentId} ${next.minute}`
    const known = this.#agents.get(key)
    if (known === undefined && this.#isFull()) return
    this.#agents.set(key, known === undefined ? next : merged(known, next))
    this.#schedule()
  }

  #addApp(next: AppMinute): void {
    if (this.#isFull()) return
    this.#apps.set(`${next.agentId} ${next.userId} ${next.slug} ${next.minute}`, next)
    this.#schedule()
  }

  #isFull(): boolean {
    if (this.#size < MAX_WAITING) return false
    this.#dropped.inc()
    return true
  }

  get #size(): number {
    return this.#agents.size + this.#apps.size
  }

  #schedule(delayMs = this.#size >= BATCH ? 0 : FLUSH_MS): void {
    if (!this.#closed && this.#writing === undefined)
      this.#timer ??= setTimeout(() => void this.#flush(), delayMs).unref()
  }

  #flush(): Promise<void> {
    clearTimeout(this.#timer)
    this.#timer = undefined
    this.#writing ??= labelled('usage', () => this.#write()).then((stored) => {
      this.#writing = undefined
      if (this.#size > 0) this.#schedule(stored ? undefined : RETRY_MS)
    })
    return this.#writing
  }

  /** Whether it is stored; else it waits for another try. Never throws. */
  async #write(): Promise<boolean> {
    const [agents, apps] = [this.#agents, this.#apps]
    this.#agents = new Map()
    this.#apps = new Map()
    if (agents.size + apps.size === 0) return true
    try {
      await this.#context.database.transaction((tx) =>
        storeUsage(actor, tx, { agents: [...agents.values()], apps: [...apps.values()] }),
      )
      return true
    } catch (error) {
      this.#context.log.warn('what is used could not be noted', { error: describeError(error) })
      for (const minute of agents.values()) this.#addAgent(minute)
      for (const minute of apps.values()) this.#addApp(minute)
      return false
    }
  }

  /** Stores what is left, with one try. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.#closed = true
    await this.#writing
    await this.#flush()
  }
}

function merged(one: AgentMinute, other: AgentMinute): AgentMinute {
  return {
    ...one,
    sessions: most(one.sessions, other.sessions),
    ended: one.ended || other.ended,
    rxBytes: one.rxBytes + other.rxBytes,
    txBytes: one.txBytes + other.txBytes,
    latencyMs: other.latencyMs ?? one.latencyMs,
  }
}

function most(one: SessionCounts | undefined, other: SessionCounts | undefined): SessionCounts | undefined {
  if (one === undefined || other === undefined) return one ?? other
  return {
    vscode: Math.max(one.vscode, other.vscode),
    jetbrains: Math.max(one.jetbrains, other.jetbrains),
    reconnecting_pty: Math.max(one.reconnecting_pty, other.reconnecting_pty),
    ssh: Math.max(one.ssh, other.ssh),
    sftp: Math.max(one.sftp, other.sftp),
    other: Math.max(one.other, other.other),
  }
}
