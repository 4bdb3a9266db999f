import { useQuery } from '@tanstack/react-query'
import { GitBranch, GitCommitHorizontal, RefreshCw } from 'lucide-react'
import { useId, useMemo, useState } from 'react'

import { type Chat, getChatDiff, type WorkspaceAgentRepoChanges } from '@slipway/contract'
import { api } from '../api/client.ts'
import { AppLink } from '../navigation/app-link.tsx'
import { paths } from '../paths.ts'
import { useUser } from '../session/session.tsx'
import { Choice, useChoice } from '../theme/choice.ts'
import { Button, buttonClass } from '../ui/button.tsx'
import { EmptyState } from '../ui/empty-state.tsx'
import { ErrorNotice } from '../ui/error-notice.tsx'
import { Notice } from '../ui/notice.tsx'
import { SafeLink } from '../ui/safe-link.tsx'
import { Segmented } from '../ui/segmented.tsx'
import { AfterDelay } from '../ui/skeleton.tsx'
import { toasts } from '../ui/toast.tsx'
import { deliver } from './composer-inbox.ts'
import { DiffTree } from './diff-tree.tsx'
import { DiffCounts, DiffView } from './diff-view.tsx'
import { parseUnifiedDiff } from './line-diff.ts'
import { useGitChanges } from './use-git-changes.ts'

/** The branch or pull request as the Git host has it, beside the working repositories. */
const REMOTE = 'remote'

/** How changes are laid out, on this device. */
const diffMode = new Choice<'unified' | 'split'>('slipway.diff.layout', ['unified', 'split'])

/** What changed: in the working repositories of the workspace, and on the branch or pull request (UI-1142). */
export function GitPanel({
  chat,
  onPrompt,
}: {
  readonly chat: Chat
  /** The composer has got a prompt, and wants to be seen. */
  readonly onPrompt?: (() => void) | undefined
}) {
  const bound = chat.workspace_id !== undefined
  const git = useGitChanges(
    bound && !chat.archived ? chat.id : undefined,
    `${chat.workspace_id} ${chat.agent_id}`,
  )
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
  const [asked, setAsked] = useState(false)
  const mayWrite = chat.owner_id === user.id && !chat.archived
  const hand = (delivery: Parameters<typeof deliver>[1]): boolean => {
    if (deliver(chat.id, delivery)) return true
    toasts.failed('Nothing was added to the message', new Error('Nothing can be sent to this chat.'))
    return false
  }
  if (view === undefined) return <NoChanges chat={chat} git={git} />
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
        <Button
          tone="quiet"
          size="icon"
          className="-ml-1"
          aria-label="Look again"
          title="Look again"
          onClick={() => {
            setAsked(true)
            if (view === REMOTE) void remote.refetch()
            else git.refresh()
          }}
          icon={<RefreshCw className="size-3.5" />}
        />
        <span className="ml-auto" />
        {mayWrite && repository !== undefined && files.length > 0 ? (
          <Button
            size="dense"
            title="Puts a request into your message; you send it"
            icon={<GitCommitHorizontal className="size-3.5" />}
            onClick={() => {
              if (hand({ kind: 'text', text: commitPrompt(repository, repositories.length > 1) }))
                onPrompt?.()
            }}
          >
            Commit
          </Button>
        ) : null}
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
      </div>
      {view !== REMOTE && (git.link === 'away' || (asked && git.link === 'connecting')) ? (
        <Notice tone="warn" title="The workspace does not answer">
          What you see is what was last told.
        </Notice>
      ) : null}
      {view !== REMOTE && git.fault !== undefined ? (
        <Notice tone="warn" title="The repositories could not be read">
          {git.fault}
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
            {remote.data?.provider === 'github' && /\/pull\/\d+$/.test(request.url) ? (
              <>
                {' · '}
                <SafeLink href={`${request.url}/checks`} text="Checks">
                  Checks
                </SafeLink>
              </>
            ) : null}
          </span>
        </p>
      ) : null}
      <ErrorNotice
        error={view === REMOTE ? remote.error : null}
        title="The changes could not be read"
        onRetry={() => void remote.refetch()}
      />
      {view === REMOTE && remote.data !== undefined && remote.data.diff === undefined ? (
        <Notice
          tone="info"
          title="The Git host did not give the changes"
          action={
            remote.data.provider === undefined ? undefined : (
              <AppLink href={paths.settings('external-auth')} className={buttonClass({ size: 'dense' })}>
                Connect
              </AppLink>
            )
          }
        >
          {remote.data.provider === undefined
            ? 'The deployment has no external authentication for this host.'
            : 'It needs a token of yours: connect your account there.'}
        </Notice>
      ) : files.length > 0 ? (
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
              onComment={mayWrite ? (reference) => void hand({ kind: 'reference', reference }) : undefined}
            />
          ))}
        </>
      ) : (
        <p className="text-sm text-ink-2">
          {view === REMOTE
            ? remote.isPending
              ? 'Reading the changes'
              : 'The branch changes nothing.'
            : 'Nothing has changed since the last commit.'}
        </p>
      )}
    </div>
  )
}

/** Why there is nothing to show, and the next step. */
function NoChanges({ chat, git }: { readonly chat: Chat; readonly git: ReturnType<typeof useGitChanges> }) {
  if (chat.workspace_id === undefined)
    return (
      <EmptyState icon={GitBranch} title="No workspace">
        Changes show here when the chat has a workspace with a Git repository.
      </EmptyState>
    )
  if (chat.archived)
    return (
      <EmptyState icon={GitBranch} title="No changes are followed">
        The chat is archived. Bring it back to see what has changed in its workspace.
      </EmptyState>
    )
  if (git.link === 'away')
    return (
      <EmptyState
        icon={GitBranch}
        title="The workspace does not answer"
        action={<Button onClick={git.refresh}>Try again</Button>}
      >
        Changes show here when its agent is connected.
      </EmptyState>
    )
  if (git.repositories === undefined && git.fault === undefined)
    return (
      <AfterDelay>
        <div className="skeleton h-24" aria-busy="true" />
      </AfterDelay>
    )
  return (
    <EmptyState
      icon={GitBranch}
      title={git.fault === undefined ? 'No repository yet' : 'The repositories could not be read'}
      action={<Button onClick={git.refresh}>Look again</Button>}
    >
      {git.fault ?? 'Repositories that the agent works in show here with what changed.'}
    </EmptyState>
  )
}

/** What asks the model for a commit; whoever reads it may change it before it is sent (UI-1142). */
function commitPrompt({ repo_root: root, branch }: WorkspaceAgentRepoChanges, several: boolean): string {
  const where = several ? ` in ${root}` : ''
  const on = branch === '' ? '' : ` on the branch ${branch}`
  return `Commit the changes${where}${on}, with a message that says why they were made.`
}
