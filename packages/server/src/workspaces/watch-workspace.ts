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
      for (const resource of workspace?.latest_build.resources ?? [])
        for (const agent of resource.agents ?? []) keys.add(agent.id)
      stream.send('data', workspace)
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
