import { Counter, Gauge } from 'prom-client'

import { systemActor } from '../authz/index.ts'
import type { AppContext } from '../context.ts'
import type { AgentCaller } from '../edge/index.ts'
import { countByFamily } from '../usage/index.ts'
import { type AgentNames, findAgentNames } from './store/agent-figures.ts'
import type { EndedStart } from './store/agents.ts'

const actor = systemActor('provisionerd', 'series of agents bear the names of what they belong to')
/** For how long the figures of an agent that says nothing are shown (OP-83). */
const FRESH_MS = 120_000
/** Agents of a replica that are shown; the reports of more are not. */
const MAX_AGENTS = 10_000
const FAMILIES = ['vscode', 'ssh', 'jetbrains', 'reconnecting_pty'] as const
const WORKSPACE = ['agent_name', 'username', 'workspace_name'] as const
const TEMPLATE = ['agent_name', 'template_name', 'username', 'workspace_name'] as const

type Name = (typeof TEMPLATE)[number]
type Family = (typeof FAMILIES)[number]

/** What is known of an agent that has reported lately. */
interface Reported {
  readonly names: AgentNames
  at: number
  sessions: ReadonlyMap<Family, number>
  start: EndedStart | undefined
  readonly scripts: { ok: number; failed: number }
}

/**
 * What agents report, as series (OP-83). They are off unless asked for, because each agent has its own, and keep the labels
 * that are asked for; what differs in others only is added up.
 */
export class AgentStats {
  readonly #context: AppContext
  readonly #isOn: boolean
  readonly #agents = new Map<string, Reported>()

  constructor(context: AppContext) {
    this.#context = context
    this.#isOn = context.config.prometheusEnable && context.config.prometheusCollectAgentStats
    if (this.#isOn) this.#addSeries()
  }

  #addSeries(): void {
    const registers = [this.#context.metrics]
    const of = this
    for (const family of FAMILIES) {
      const labelNames = this.#kept(WORKSPACE)
      new Gauge({
        name: `coderd_agentstats_session_count_${family}`,
        help: 'Sessions that are open.',
        labelNames,
        registers,
        collect() {
          this.reset()
          for (const { names, sessions } of of.#fresh())
            this.inc(pick(names, labelNames), sessions.get(family) ?? 0)
        },
      })
    }
    const labelNames = this.#kept(TEMPLATE)
    new Gauge({
      name: 'coderd_agentstats_startup_script_seconds',
      help: 'How long the start scripts of an agent ran.',
      labelNames: [...labelNames, 'success'],
      registers,
      collect() {
        this.reset()
        for (const { names, start } of of.#fresh())
          if (start?.seconds !== undefined)
            this.inc({ ...pick(names, labelNames), success: String(start.succeeded) }, start.seconds)
      },
    })
    new Counter({
      name: 'agent_scripts_executed_total',
      help: 'Scripts that agents have run.',
      labelNames: [...labelNames, 'success'],
      registers,
      collect() {
        this.reset()
        for (const { names, scripts } of of.#fresh()) {
          const kept = pick(names, labelNames)
          if (scripts.ok > 0) this.inc({ ...kept, success: 'true' }, scripts.ok)
          if (scripts.failed > 0) this.inc({ ...kept, success: 'false' }, scripts.failed)
        }
      },
    })
  }

  #kept(names: readonly Name[]): Name[] {
    const kept: readonly string[] = this.#context.config.prometheusAggregateAgentStatsBy
    return names.filter((name) => kept.includes(name))
  }

  /** Those that have reported lately; the others are forgotten. */
  #fresh(): Iterable<Reported> {
    const oldest = this.#context.clock.now().getTime() - FRESH_MS
    for (const [id, { at }] of this.#agents) if (at < oldest) this.#agents.delete(id)
    return this.#agents.values()
  }

  /** Sessions that are open in a workspace, by the programs that hold them. */
  async sessions(agent: AgentCaller, counts: Readonly<Record<string, number>>): Promise<void> {
    const reported = await this.#of(agent)
    if (reported === undefined) return
    const sums = countByFamily(counts)
    reported.sessions = new Map(FAMILIES.map((family) => [family, sums[family]]))
  }

  /** The start scripts of an agent are over. */
  async started(agent: AgentCaller, start: EndedStart): Promise<void> {
    const reported = await this.#of(agent)
    if (reported !== undefined) reported.start = start
  }

  /** A script has ended. */
  async scriptRun(agent: AgentCaller, succeeded: boolean): Promise<void> {
    const reported = await this.#of(agent)
    if (reported === undefined) return
    if (succeeded) reported.scripts.ok += 1
    else reported.scripts.failed += 1
  }

  async #of({ id }: AgentCaller): Promise<Reported | undefined> {
    if (!this.#isOn) return undefined
    const at = this.#context.clock.now().getTime()
    let known = this.#agents.get(id)
    if (known === undefined) {
      if (this.#agents.size >= MAX_AGENTS) this.#fresh()
      if (this.#agents.size >= MAX_AGENTS) return undefined
      const names = await findAgentNames(actor, this.#context.database.db, id)
      if (names === undefined) return undefined
      // Another report of it may have come meanwhile.
      known = this.#agents.get(id) ?? {
        names,
        at,
        sessions: new Map(),
        start: undefined,
        scripts: { ok: 0, failed: 0 },
      }
      this.#agents.set(id, known)
    }
    known.at = at
    return known
  }
}

function pick(names: AgentNames, kept: readonly Name[]): Partial<Record<Name, string>> {
  return Object.fromEntries(kept.map((name) => [name, names[name]]))
}
