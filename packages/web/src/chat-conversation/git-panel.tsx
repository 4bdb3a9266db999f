import { useQuery } from '@tanstack/react-query'
import { GitBranch, RefreshCw } from 'lucide-react'
import { useId, useMemo, useState } from 'react'

import { type Chat, getChatDiff } from '@slipway/contract'
import { api } from '../api/client.ts'
import { useUser } from '../session/session.tsx'
import { Choice, useChoice } from '../theme/choice.ts'
import { Button } from '../ui/button.tsx'
import { EmptyState } from '../ui/empty-state.tsx'
import { ErrorNotice } from '../ui/error-notice.tsx'
import { Notice } from '../ui/notice.tsx'
import { SafeLink } from '../ui/safe-link.tsx'
import { Segmented } from '../ui/segmented.tsx'
import { AfterDelay } from '../ui/skeleton.tsx'
import { toasts } from '../ui/toast.tsx'
import { sendReference } from './composer-inbox.ts'
import { DiffTree } from './diff-tree.tsx'
import { DiffCounts, DiffView } from './diff-view.tsx'
import { parseUnifiedDiff } from './line-diff.ts'
import { useGitChanges } from './use-git-changes.ts'

/** The branch or pull request as the Git host has it, beside the working repositories. */
const REMOTE = 'remote'

/** How changes are laid out, on this device. */
const diffMode = new Choice<'unified' | 'split'>('slipway.diff.layout', ['unified', 'split'])

/** What changed: in the working repositories of the workspace, and on the branch or pull request (UI-1142). */
export function GitPanel({ chat }: { readonly chat: Chat }) {
  const bound = chat.workspace_id !== undefined
  const git = useGitChanges(bound && !chat.archived ? chat.id : undefined)
  const remote = useQuery({
    queryKey: ['chat', chat.id, 'diff'],
    queryFn: ({ signal }) => api.call(getChatDiff, { params: { chat: chat.id }, signal }),
    enabled: chat.diff_status !== undefined,
  })
  const [chosen, setChosen] = useState<string>()
  const repositories = git.repositories ?? []
  const views = [
    ...repositories.map(({ repo_root: root }) => root),
    ...(chat.diff_status === undefined ? [] : [REMOTE]),
  ]
  const view = chosen !== undefined && views.includes(chosen) ? chosen : views[0]
  const repository = repositories.find(({ repo_root: root }) => root === view)
  const diff = view === REMOTE ? remote.data?.diff : repository?.unified_diff
  const files = useMemo(() => parseUnifiedDiff(diff ?? ''), [diff])
  const mode = useChoice(diffMode)
  const user = useUser()
  const ids = useId()
  const [stale, setStale] = useState(false)
  if (view === undefined)
    return bound ? (
      git.repositories === undefined && git.connected ? (
        <AfterDelay>
          <div className="skeleton h-24" aria-busy="true" />
        </AfterDelay>
      ) : (
        <EmptyState icon={GitBranch} title="No changes yet">
          {git.fault ??
            (git.connected
              ? 'Repositories that the agent works in show here with what changed.'
              : 'The workspace does not answer. Changes show here when its agent is connected.')}
        </EmptyState>
      )
    ) : (
      <EmptyState icon={GitBranch} title="No workspace">
        Changes show here when the chat has a workspace with a Git repository.
      </EmptyState>
    )
  const { diff_status: request } = chat
  return (
    <div className="flex min-w-0 flex-col gap-3">
      <div className="flex min-w-0 flex-wrap items-center gap-2 text-sm">
        {views.length > 1 ? (
          <select
            aria-label="What to show"
            value={view}
            onChange={(event) => setChosen(event.target.value)}
            className="h-8 min-w-0 max-w-full rounded-control border border-line-strong bg-surface px-2 text-sm"
          >
            {views.map((one) => (
              <option key={one} value={one}>
                {one === REMOTE ? 'Branch on the Git host' : one}
              </option>
            ))}
          </select>
        ) : null}
        <span className="inline-flex min-w-0 items-center gap-1.5 text-ink-2">
          <GitBranch className="size-3.5 shrink-0" aria-hidden="true" />
          <span className="truncate font-mono text-xs">
            {view === REMOTE ? (remote.data?.branch ?? request?.head_branch) : repository?.branch}
          </span>
        </span>
        <DiffCounts
          added={files.reduce((sum, { added }) => sum + added, 0)}
          removed={files.reduce((sum, { removed }) => sum + removed, 0)}
        />
        <span className="ml-auto" />
        {files.length > 0 ? (
          <Segmented
            label="Layout of changes"
            value={mode}
            onChange={diffMode.set}
            options={[
              { id: 'unified', label: 'Unified' },
              { id: 'split', label: 'Split' },
            ]}
          />
        ) : null}
        <Button
          tone="quiet"
          size="icon"
          aria-label="Look again"
          title="Look again"
          onClick={() => {
            if (view === REMOTE) void remote.refetch()
            else setStale(!git.refresh())
          }}
          icon={<RefreshCw className="size-3.5" />}
        />
      </div>
      {stale && !git.connected ? (
        <Notice tone="warn" title="The workspace does not answer">
          What you see is what was last told.
        </Notice>
      ) : null}
      {view === REMOTE && request?.url !== undefined ? (
        <p className="text-sm">
          <SafeLink href={request.url} text={request.pull_request_title}>
            {request.pull_request_title === '' ? request.url : request.pull_request_title}
          </SafeLink>{' '}
          <span className="text-xs text-ink-3">
            {request.pull_request_draft ? 'draft' : request.pull_request_state} ·{' '}
            {URL.parse(request.url)?.host}
          </span>
        </p>
      ) : null}
      <ErrorNotice
        error={view === REMOTE ? remote.error : null}
        title="The changes could not be read"
        onRetry={() => void remote.refetch()}
      />
      {files.length > 0 ? (
        <>
          {files.length > 1 ? (
            <DiffTree
              files={files}
              onOpen={(file) => document.getElementById(`${ids}-${file}`)?.scrollIntoView()}
            />
          ) : null}
          {files.map((file, index) => (
            <DiffView
              key={file.path}
              id={`${ids}-${index}`}
              file={file}
              mode={mode}
              onComment={
                chat.owner_id === user.id && !chat.archived
                  ? (reference) => {
                      if (!sendReference(chat.id, reference))
                        toasts.failed(
                          'The comment was not added',
                          new Error('Nothing can be sent to this chat.'),
                        )
                    }
                  : undefined
              }
            />
          ))}
        </>
      ) : (
        <p className="text-sm text-ink-2">
          {view === REMOTE && remote.data !== undefined && remote.data.diff === undefined
            ? 'The Git host shows it only with a token of yours: connect it under Settings, External authentication.'
            : remote.isPending && view === REMOTE
              ? 'Reading the changes'
              : 'Nothing has changed.'}
        </p>
      )}
    </div>
  )
}
