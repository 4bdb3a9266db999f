import { setTimeout as delay } from 'node:timers/promises'

import type { Workspace } from '@slipway/contract'
import { describeError } from '@slipway/request-log'
import type { Actor } from '../authz/index.ts'
import type { AppContext, ChangeEvent } from '../context.ts'
import type { EventStream } from '../edge/index.ts'
import { ApiError, forbidden } from '../errors/index.ts'
import { WatchingActor } from '../identity/index.ts'
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
/** Changes that do not end are answered this often (WS-312). */
const LEAST_DELAY_MS = 250
/** So many keys are kept during one reading; with more of them it is repeated. */
const MAX_STRANGE = 1_000
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

/** Who is told of a workspace. */
export interface WorkspaceFollower {
  tell(workspace: Workspace): void
  /** It could not be read; it is tried again at the next change unless the stream is closed. */
  fail(problem: { readonly message: string; readonly detail?: string }): void
  /** There is nothing more to tell. */
  close(): void
  /** Aborted when it wants to hear no more. */
  readonly closed: AbortSignal
}

/** Sends the workspace as events, as {@link followWorkspace} tells of it. */
export async function watchWorkspace(
  context: AppContext,
  actor: Actor,
  workspaceId: string,
  stream: EventStream,
): Promise<void> {
  stream.send('ping')
  await followWorkspace(context, actor, workspaceId, {
    tell: (workspace) => stream.send('data', workspace),
    fail: (problem) => stream.send('error', problem),
    close: () => stream.close(),
    closed: stream.closed,
  })
}

/**
 * Tells of the workspace now and after every change that concerns it (WS-200, WS-201), a burst of changes once in
 * 250 ms (WS-312). Access is checked again each time; who has lost it gets one error and nothing more (WS-202).
 */
export async function followWorkspace(
  context: AppContext,
  actor: Actor,
  workspaceId: string,
  follower: WorkspaceFollower,
): Promise<void> {
  const { db, feed } = context.database
  let dirty = true
  let wake: () => void = () => undefined
  /** Keys by which events speak of this workspace; they follow its latest build. */
  let keys = new Set([workspaceId])
  /** Other keys that come during a reading, which may tell that they belong to this workspace. */
  let strange: Set<string> | undefined
  const touch = (): void => {
    dirty = true
    wake()
  }
  using _subscription = feed.subscribe({
    kinds: KINDS,
    onEvent: (event: ChangeEvent) => {
      if (keys.has(event.key)) touch()
      else if (strange !== undefined && strange.size < MAX_STRANGE) strange.add(event.key)
    },
    onReset: touch,
  })
  using watching = new WatchingActor(context, actor, touch)
  follower.closed.addEventListener('abort', () => wake(), { once: true })
  // Nothing is written when an agent takes too long to connect; only time passes (WS-201).
  using timeout = new Alarm(touch)
  let earliest = performance.now()
  while (!follower.closed.aborted) {
    if (!dirty) {
      await new Promise<void>((resolve) => {
        wake = resolve
      })
      earliest = Math.max(earliest, performance.now() + GAP_MS)
    }
    await pause(earliest - performance.now(), follower.closed)
    if (follower.closed.aborted) return
    dirty = false
    const others = new Set<string>()
    strange = others
    try {
      const reader = await watching.current()
      const row = await getWorkspace(reader, db, workspaceId)
      if (!mayReadTemplate(reader, row)) throw forbidden()
      const [workspace] = await withParts(context, [row], actor.id)
      const agents = (workspace?.latest_build.resources ?? []).flatMap((resource) => resource.agents ?? [])
      keys = new Set([workspaceId, row.template_id, row.job.id, ...agents.map((agent) => agent.id)])
      if (others.size === MAX_STRANGE || [...others].some((key) => keys.has(key))) dirty = true
      if (workspace !== undefined) follower.tell(workspace)
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
      follower.fail({
        message: known ? error.message : 'Internal error fetching workspace.',
        ...(known && error.detail !== undefined ? { detail: error.detail } : {}),
      })
      if (known) return follower.close()
    }
    strange = undefined
    earliest = performance.now() + LEAST_DELAY_MS
  }
}

/** Waits so many milliseconds, but not longer than the stream lasts. */
async function pause(ms: number, closed: AbortSignal): Promise<void> {
  if (ms > 0) await delay(ms, undefined, { signal: closed }).catch(() => undefined)
}
