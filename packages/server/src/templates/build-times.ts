import type { TemplateBuildTimeStats } from '@slipway/contract'
import { systemActor } from '../authz/index.ts'
import type { AppContext } from '../context.ts'
import { listBuildTimes } from './store/build-times.ts'

const reader = systemActor('provisionerd', 'how long builds take is told to whoever may read the template')
const MAX_AGE_MS = 60_000
const MAX_TEMPLATES = 1_000

const UNKNOWN = { P50: null, P95: null }
const NEVER_BUILT: TemplateBuildTimeStats = { start: UNKNOWN, stop: UNKNOWN, delete: UNKNOWN }

/** How long builds of templates usually take, kept for a minute: looking is not cheap (WS-83). */
export class BuildTimes {
  readonly #context: AppContext
  readonly #known = new Map<string, { readonly until: number; readonly stats: TemplateBuildTimeStats }>()

  constructor(context: AppContext) {
    this.#context = context
  }

  /** The times of these templates, with one statement at most; a template that was never built has none. */
  async of(templateIds: readonly string[]): Promise<(templateId: string) => TemplateBuildTimeStats> {
    const now = performance.now()
    const stale = templateIds.filter((id) => (this.#known.get(id)?.until ?? 0) < now)
    const found = new Map<string, TemplateBuildTimeStats>(stale.map((id) => [id, NEVER_BUILT]))
    for (const { template_id, transition, p50, p95 } of await listBuildTimes(
      reader,
      this.#context.database.db,
      stale,
    ))
      found.set(template_id, { ...found.get(template_id), [transition]: { P50: p50, P95: p95 } })
    if (this.#known.size + found.size > MAX_TEMPLATES) this.#known.clear()
    for (const [id, stats] of found) this.#known.set(id, { until: now + MAX_AGE_MS, stats })
    return (id) => found.get(id) ?? this.#known.get(id)?.stats ?? NEVER_BUILT
  }
}
