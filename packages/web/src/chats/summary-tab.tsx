import { useQuery } from '@tanstack/react-query'
import { ExternalLink } from 'lucide-react'
import type { ReactNode } from 'react'

import type { Chat } from '@slipway/contract'
import { AppLink } from '../navigation/app-link.tsx'
import { organizationTitle } from '../organizations/organization-titles.ts'
import { paths } from '../paths.ts'
import { organizationsQuery } from '../session/queries.ts'
import { CopyableId } from '../ui/copyable.tsx'
import { Detail, DetailList } from '../ui/detail.tsx'
import { safeHref } from '../ui/safe-href.ts'
import { StateBadge } from '../ui/state-badge.tsx'
import { TimeAgo } from '../ui/time-ago.tsx'
import { workspaceLook } from '../workspaces/workspace-look.ts'
import { useAgents } from './agents-context.ts'
import { chatLook, pullRequestLook } from './chat-words.ts'
import { chatWorkspaceQuery } from './chat-workspace.ts'
import { EFFORT_WORDS } from './effort-words.ts'
import { modelConfigsQuery } from './queries.ts'

/** What a chat is about, where it works and with what. */
export function SummaryTab({ chat }: { readonly chat: Chat }) {
  const { query } = useAgents()
  const models = useQuery(modelConfigsQuery)
  const organizations = useQuery(organizationsQuery)
  const model = models.data?.find(({ id }) => id === chat.last_model_config_id)
  const organization = organizations.data?.find(({ id }) => id === chat.organization_id)
  const effort = chat.last_reasoning_effort
  return (
    <div className="flex flex-col gap-5">
      <section aria-label="Summary" className="text-sm leading-relaxed">
        {chat.summary !== null ? (
          <p>{chat.summary}</p>
        ) : (
          <p className="text-ink-2">
            {chat.last_turn_summary ?? 'There is no summary yet: one is written after the first turn.'}
          </p>
        )}
      </section>
      <PullRequest chat={chat} />
      <Card title="Works with">
        <DetailList>
          <Detail label="Model">
            {model?.display_name || model?.model || 'Unknown model'}
            {effort === undefined || effort === ''
              ? ''
              : `, ${(EFFORT_WORDS[effort] ?? effort).toLowerCase()} effort`}
          </Detail>
          <Detail label="Workspace">
            {chat.workspace_id === undefined ? (
              <span className="text-ink-2">None yet</span>
            ) : (
              <WorkspaceFact id={chat.workspace_id} />
            )}
          </Detail>
          {chat.plan_mode === undefined ? null : <Detail label="Mode">Plans first</Detail>}
        </DetailList>
      </Card>
      <Card title="About">
        <DetailList>
          {chat.owner_username === undefined ? null : <Detail label="Owner">{chat.owner_username}</Detail>}
          {organization === undefined || (organizations.data?.length ?? 0) < 2 ? null : (
            <Detail label="Organization">{organizationTitle(organization)}</Detail>
          )}
          <Detail label="Begun">
            <TimeAgo time={chat.created_at} />
          </Detail>
          {chat.updated_at === chat.created_at ? null : (
            <Detail label="Last active">
              <TimeAgo time={chat.updated_at} />
            </Detail>
          )}
          {chat.parent_chat_id === undefined ? (
            <Detail label="Shared">{chat.shared ? 'With others' : 'With nobody'}</Detail>
          ) : null}
          <Detail label="Started from">{chat.client_type === 'ui' ? 'The dashboard' : 'A program'}</Detail>
          {Object.entries(chat.labels).map(([key, value]) => (
            <Detail key={key} label={key}>
              {value}
            </Detail>
          ))}
          <Detail label="Id">
            <CopyableId id={chat.id} short />
          </Detail>
        </DetailList>
      </Card>
      {chat.children.length === 0 ? null : (
        <Card title={`Inside (${chat.children.length})`}>
          <ul className="-my-1 flex flex-col">
            {chat.children.map((child) => (
              <li key={child.id} className="flex min-h-9 items-center gap-3 text-sm">
                <AppLink
                  href={paths.chat(child.id, query)}
                  className="min-w-0 flex-1 truncate font-medium hover:text-accent"
                >
                  <bdi>{child.title}</bdi>
                </AppLink>
                <StateBadge look={chatLook(child)} className="text-xs" />
              </li>
            ))}
          </ul>
        </Card>
      )}
    </div>
  )
}

function Card({ title, children }: { readonly title: string; readonly children: ReactNode }) {
  return (
    <section className="rounded-card border border-line bg-surface px-3 py-2.5">
      <h2 className="mb-1.5 text-xs font-medium text-ink-3">{title}</h2>
      {children}
    </section>
  )
}

function WorkspaceFact({ id }: { readonly id: string }) {
  const workspace = useQuery(chatWorkspaceQuery(id))
  if (workspace.data === undefined)
    return <span className="text-ink-2">{workspace.isError ? 'Gone, or not yours to see' : '…'}</span>
  const { owner_name: owner, name } = workspace.data
  return (
    <span className="inline-flex max-w-full items-center gap-2">
      <AppLink href={paths.workspace(owner, name)} className="link min-w-0 truncate">
        {name}
      </AppLink>
      <StateBadge look={workspaceLook(workspace.data)} className="shrink-0 text-xs" />
    </span>
  )
}

function PullRequest({ chat }: { readonly chat: Chat }) {
  const diff = chat.diff_status
  const look = pullRequestLook(diff)
  if (diff === undefined || (look === undefined && diff.additions + diff.deletions === 0)) return null
  const href = diff.url === undefined ? undefined : safeHref(diff.url)
  return (
    <Card title={look?.label ?? 'Changes'}>
      <div className="flex flex-col gap-1 text-sm">
        {href === undefined ? null : (
          <a
            href={href}
            target="_blank"
            rel="noopener noreferrer"
            className="inline-flex min-w-0 items-center gap-1.5 font-medium hover:text-accent"
          >
            <span className="truncate">
              {diff.pull_request_title === '' ? href : diff.pull_request_title}
              {diff.pr_number === undefined ? '' : ` #${diff.pr_number}`}
            </span>
            <ExternalLink className="size-3.5 shrink-0 text-ink-3" aria-hidden="true" />
            <span className="shrink-0 text-xs font-normal text-ink-3">{new URL(href).host}</span>
          </a>
        )}
        <span className="text-xs text-ink-2">
          {diff.head_branch === undefined ? '' : `${diff.head_branch} · `}
          {diff.changed_files === 1 ? '1 file' : `${diff.changed_files} files`}{' '}
          <span className="text-ok">+{diff.additions}</span>{' '}
          <span className="text-bad">−{diff.deletions}</span>
        </span>
      </div>
    </Card>
  )
}
