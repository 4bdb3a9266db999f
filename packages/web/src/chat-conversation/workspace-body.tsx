import { queryOptions, useQuery } from '@tanstack/react-query'
import { lazy, Suspense, useEffect } from 'react'

import { getWorkspace } from '@slipway/contract'
import { api, queries } from '../api/client.ts'
import { pollEvery } from '../api/polling.ts'
import { chatQuery } from '../chats/queries.ts'
import { AppLink } from '../navigation/app-link.tsx'
import { paths } from '../paths.ts'
import { StateBadge } from '../ui/state-badge.tsx'
import { isMoving, workspaceLook } from '../workspaces/workspace-look.ts'
import { useConversation } from './conversation-context.ts'
import type { ToolCall } from './rows.ts'
import { errorOf, resultOf, text } from './tool-data.ts'

const JobLog = lazy(async () => ({ default: (await import('../workspaces/build-log.tsx')).JobLog }))

const POLL_MS = 2000

/** A workspace by its id; read again while its state is one that ends by itself. */
function workspaceByIdQuery(id: string, watched: boolean) {
  return queryOptions({
    queryKey: ['workspace-by-id', id],
    queryFn: ({ signal }) => api.call(getWorkspace, { params: { workspace: id }, signal }),
    refetchInterval: (query) =>
      watched || (query.state.data !== undefined && isMoving(query.state.data.latest_build.status))
        ? pollEvery(POLL_MS)(query)
        : false,
  })
}

/** A workspace that the model makes, starts or stops: where it stands, the log of the build, the way there (UI-1137). */
export function WorkspaceBody({ call, live }: { readonly call: ToolCall; readonly live: boolean }) {
  const { chat } = useConversation()
  const workspace = useQuery({
    ...workspaceByIdQuery(chat.workspace_id ?? '', live),
    enabled: chat.workspace_id !== undefined,
  }).data
  // The chat is bound to the workspace as soon as there is one (CH-1110).
  const unbound = live && chat.workspace_id === undefined
  useEffect(() => {
    if (!unbound) return
    const timer = setInterval(
      () => void queries.invalidateQueries({ queryKey: chatQuery(chat.id).queryKey, exact: true }),
      POLL_MS,
    )
    return () => clearInterval(timer)
  }, [unbound, chat.id])
  const result = resultOf(call)
  const error = errorOf(call) ?? text(result, 'agent_error')
  const build = text(result, 'build_id') ?? (live ? workspace?.latest_build.id : undefined)
  return (
    <div className="flex flex-col gap-2">
      {workspace === undefined ? null : (
        <p className="flex flex-wrap items-center gap-x-3 gap-y-1 text-sm">
          <AppLink href={paths.workspace(workspace.owner_name, workspace.name)} className="link">
            {workspace.name}
          </AppLink>
          <StateBadge look={workspaceLook(workspace)} since={workspace.latest_build.job.started_at} />
          <span className="text-ink-3">
            {workspace.template_display_name === ''
              ? workspace.template_name
              : workspace.template_display_name}
          </span>
        </p>
      )}
      {error === undefined ? null : <p className="whitespace-pre-wrap text-sm text-bad">{error}</p>}
      {build === undefined ? (
        live ? (
          <p className="text-sm text-ink-2">Waiting for the build to begin</p>
        ) : null
      ) : (
        <Suspense fallback={<div className="skeleton h-40" aria-busy="true" />}>
          <JobLog of={{ kind: 'build', id: build }} running={live} fileName="build.log" height="240px" />
        </Suspense>
      )}
    </div>
  )
}
