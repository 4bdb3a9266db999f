import { Counter, Histogram, type Registry } from 'prom-client'

import { ApiError } from '../errors/index.ts'
import { LONG_SECONDS } from '../histogram/index.ts'

/** Workspaces and versions that have series of their own; beyond that counting begins anew, as after a restart. */
const MAX_SERIES = 10_000
const PRESET = ['organization_name', 'template_name', 'preset_name'] as const

/** One try to queue a build; whoever queues it notes here what it is. */
export interface BuildAttempt {
  queued?:
    | {
        readonly provisioner: string
        readonly reason: string
        readonly transition: string
        readonly isPrebuild: boolean
        /** Nobody could ever carry it out, so that it is over already. */
        readonly isImpossible: boolean
      }
    | undefined
}

/** A build that is over. */
export interface BuildEnd {
  readonly ownerName: string
  readonly workspaceName: string
  readonly organizationName: string
  readonly templateName: string
  readonly versionName: string
  /** Empty without one. */
  readonly presetName: string
  readonly transition: string
  readonly succeeded: boolean
  /** For how long a provisioner has worked on it; undefined when none has. */
  readonly seconds: number | undefined
  /** From the wish for the workspace until it was there, when it is the first start that succeeded. */
  readonly creationSeconds: number | undefined
  readonly isPrebuild: boolean
}

/** What operators see of builds of workspaces (OP-81). */
export class BuildMetrics {
  readonly #enqueued: Counter
  readonly #ended: Counter
  readonly #seconds: Histogram
  readonly #creations: Counter
  readonly #creationSeconds: Histogram
  readonly #readySeconds: Histogram
  readonly #series = new Set<string>()

  constructor(registry: Registry) {
    const registers = [registry]
    this.#enqueued = new Counter({
      name: 'coderd_workspace_builds_enqueued_total',
      help: 'Builds that were queued, or could not be.',
      labelNames: ['provisioner_type', 'build_reason', 'transition', 'status'],
      registers,
    })
    this.#ended = new Counter({
      name: 'coderd_workspace_builds_total',
      help: 'Builds that are over.',
      labelNames: [
        'workspace_owner',
        'workspace_name',
        'template_name',
        'template_version',
        'workspace_transition',
        'status',
      ],
      registers,
    })
    this.#seconds = new Histogram({
      name: 'coderd_provisionerd_workspace_build_timings_seconds',
      help: 'How long provisioners worked on a build.',
      labelNames: ['template_name', 'template_version', 'workspace_transition', 'status'],
      buckets: LONG_SECONDS,
      registers,
    })
    this.#creations = new Counter({
      name: 'coderd_workspace_creation_total',
      help: 'Workspaces that were made, by their first start that succeeded.',
      labelNames: PRESET,
      registers,
    })
    this.#creationSeconds = new Histogram({
      name: 'coderd_workspace_creation_duration_seconds',
      help: 'Time from the wish for a workspace to the end of its first start.',
      labelNames: [...PRESET, 'type'],
      buckets: LONG_SECONDS,
      registers,
    })
    this.#readySeconds = new Histogram({
      name: 'coderd_template_workspace_build_duration_seconds',
      help: 'Time from the wish for a build until the start scripts of all its agents were over.',
      labelNames: ['template_name', 'organization_name', 'transition', 'status', 'is_prebuild'],
      buckets: LONG_SECONDS,
      registers,
    })
  }

  /**
   * Runs a transaction that queues a build, and counts what became of it (WS-180). One that is refused, or comes after
   * another build, has tried nothing.
   *
   * @throws what `work` throws.
   */
  async enqueueing<T>(work: (attempt: BuildAttempt) => Promise<T>): Promise<T> {
    const attempt: BuildAttempt = {}
    try {
      const result = await work(attempt)
      this.#count(attempt, attempt.queued?.isImpossible === true ? 'failed' : 'success')
      return result
    } catch (error) {
      if (!(error instanceof ApiError && error.status === 409)) this.#count(attempt, 'failed')
      throw error
    }
  }

  #count({ queued }: BuildAttempt, status: 'success' | 'failed'): void {
    if (queued === undefined) return
    this.#enqueued.inc({
      provisioner_type: queued.provisioner,
      build_reason: queued.isPrebuild ? 'prebuild' : queued.reason,
      transition: queued.transition,
      status,
    })
  }

  /** A build is over; each replica counts those that end on it. */
  ended(build: BuildEnd): void {
    this.#begin(`${build.ownerName}/${build.workspaceName}/${build.versionName}`)
    const status = build.succeeded ? 'success' : 'failed'
    const of = {
      template_name: build.templateName,
      template_version: build.versionName,
      workspace_transition: build.transition,
      status,
    }
    this.#ended.inc({ ...of, workspace_owner: build.ownerName, workspace_name: build.workspaceName })
    if (build.seconds !== undefined) this.#seconds.observe(of, build.seconds)
    if (build.creationSeconds === undefined) return
    const preset = {
      organization_name: build.organizationName,
      template_name: build.templateName,
      preset_name: build.presetName,
    }
    if (!build.isPrebuild) this.#creations.inc(preset)
    const type = build.isPrebuild ? 'prebuild' : 'regular'
    this.#creationSeconds.observe({ ...preset, type }, build.creationSeconds)
  }

  #begin(series: string): void {
    if (!this.#series.has(series) && this.#series.size >= MAX_SERIES) {
      this.#series.clear()
      this.#ended.reset()
      this.#seconds.reset()
    }
    this.#series.add(series)
  }

  /** The agents of a build have run their start scripts (AC-32). */
  ready(build: {
    readonly templateName: string
    readonly organizationName: string
    readonly transition: string
    readonly status: 'success' | 'timeout' | 'error'
    readonly isPrebuild: boolean
    readonly seconds: number
  }): void {
    const { templateName, organizationName, transition, status, isPrebuild, seconds } = build
    this.#readySeconds.observe(
      {
        template_name: templateName,
        organization_name: organizationName,
        transition,
        status,
        is_prebuild: String(isPrebuild),
      },
      seconds,
    )
  }
}
