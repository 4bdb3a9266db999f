import { describeError } from '@slipway/request-log'
import type { Actor } from '../authz/index.ts'
import type { AppContext, ChangeEvent } from '../context.ts'
import type { EventStream } from '../edge/index.ts'
import { ApiError } from '../errors/index.ts'
import { withParts } from './load.ts'
import { getWorkspace, mayReadTemplate } from './store/workspaces.ts'

const KINDS = new Set([
  'workspace',
  'workspace_build',
  'provisioner_job',
  'workspace_agent',
  'workspace_app',
  'template',
])
/** Changes that come together are answered together. */
const GAP_MS = 25
const LEAST_DELAY_MS = 250
/** Farther ahead than this no timer can be set. */
const MAX_DELAY_MS = 86_400_000

/** Rings once, at the earliest of several times. */
class Alarm implements Disposable {
  readonly #ring: () => void
  #timer: NodeJS.Timeout | undefined

  constructor(ring: () => void) {
    this.#ring = ring
  }

  /** @param delays milliseconds from now; none turns it off. */
  set(delays: readonly number[]): void {
    clearTimeout(this.#timer)
    const delay = Math.min(...delays)
    // The clock of the database decides, and may be a little behind.
    if (delay < MAX_DELAY_MS) this.#timer = setTimeout(this.#ring, Math.max(delay + GAP_MS, LEAST_DELAY_MS))
  }

  [Symbol.dispose](): void {
    clearTimeout(this.#timer)
  }
}

/**
 * Sends the workspace now and after every change that concerns it (WS-200, WS-201). Access is checked again
 * for every send; who has lost it gets one error and nothing more (WS-202).
 */
export async function watchWorkspace(
  context: AppContext,
  actor: Actor,
  workspaceId: string,
  stream: EventStream,
): Promise<void> {
  let dirty = true
  let wake: () => void = () => undefined
  /** Keys by which events speak of this workspace; they follow its latest build. */
  let keys = new Set([workspaceId])
  const touch = (): void => {
    dirty = true
    wake()
  }
  using _subscription = context.database.feed.subscribe({
    kinds: KINDS,
    onEvent: (event: ChangeEvent) => {
      if (keys.has(event.key)) touch()
    },
    onReset: touch,
  })
  stream.closed.addEventListener('abort', () => wake(), { once: true })
  // Nothing is written when an agent takes too long to connect; only time passes (WS-201).
  using timeout = new Alarm(touch)
  stream.send('ping')
  while (!stream.closed.aborted) {
    if (!dirty) {
      await new Promise<void>((resolve) => {
        wake = resolve
      })
      await new Promise((resolve) => setTimeout(resolve, GAP_MS))
      continue
    }
    dirty = false
    try {
      const row = await getWorkspace(actor, context.database.db, workspaceId)
      if (!mayReadTemplate(actor, row)) throw new ApiError(403, 'Forbidden.')
      keys = new Set([workspaceId, row.template_id, row.job.id])
      const [workspace] = await withParts(context, [row], actor.id)
      const agents = (workspace?.latest_build.resources ?? []).flatMap((resource) => resource.agents ?? [])
      for (const agent of agents) keys.add(agent.id)
      stream.send('data', workspace)
      timeout.set(
        agents
          .filter((agent) => agent.status === 'connecting' && agent.connection_timeout_seconds > 0)
          .map(
            (agent) => Date.parse(agent.created_at) + agent.connection_timeout_seconds * 1000 - Date.now(),
          ),
      )
    } catch (error) {
      const known = error instanceof ApiError
      if (!known) context.log.warn('a watched workspace could not be read', { error: describeError(error) })
      stream.send('error', {
        message: known ? error.message : 'Internal error fetching workspace.',
        ...(known && error.detail !== undefined ? { detail: error.detail } : {}),
      })
      if (known) return stream.close()
    }
  }
}
