import { useMutation, useQuery } from '@tanstack/react-query'
import { FileCog, Layers, Plug, RefreshCw, ScrollText, Wand } from 'lucide-react'

import {
  type Chat,
  type ChatContextResource,
  compactChat,
  listChatMessages,
  refreshChatContext,
} from '@slipway/contract'
import { api, queries } from '../api/client.ts'
import { contextUsage, lastWithUsage } from '../chat-conversation/context-usage.ts'
import { useOnline } from '../frame/connection-banner.tsx'
import { Button } from '../ui/button.tsx'
import { EmptyState } from '../ui/empty-state.tsx'
import { ErrorNotice } from '../ui/error-notice.tsx'
import { Notice } from '../ui/notice.tsx'
import { fileSize } from './chat-words.ts'
import { tokens } from './model-choice.ts'
import { chatQuery, modelConfigsQuery } from './queries.ts'

const NEWEST = 20

/** How full the model's window is, and what of the workspace the model is told (UI-1152, CH-1302). */
export function ContextTab({ chat, own }: { readonly chat: Chat; readonly own: boolean }) {
  const online = useOnline()
  const params = { chat: chat.id }
  const refresh = useMutation({
    mutationFn: () => api.call(refreshChatContext, { params }),
    onSuccess: (next) => queries.setQueryData(chatQuery(chat.id).queryKey, next),
  })
  const context = chat.context
  const resources = context?.resources ?? []
  return (
    <div className="flex flex-col gap-5">
      <Window chat={chat} own={own} />
      <section className="flex flex-col gap-3">
        <div className="flex min-h-8 items-center gap-2">
          <h2 className="flex-1 text-sm font-semibold">From the workspace</h2>
          {own && chat.workspace_id !== undefined && !chat.archived ? (
            <Button
              size="dense"
              busy={refresh.isPending}
              disabled={!online}
              onClick={() => refresh.mutate()}
              icon={<RefreshCw className="size-3.5" strokeWidth={1.75} />}
            >
              Read again
            </Button>
          ) : null}
        </div>
        <ErrorNotice error={refresh.error} title="The workspace could not be read" />
        {context?.error === undefined || context.error === '' ? null : (
          <Notice tone="bad" title="Not all of it could be read">
            {context.error}
          </Notice>
        )}
        {context?.dirty === true ? (
          <Notice tone="info" title="The workspace has a newer version">
            The model keeps what it was told when the chat began, until it is read again.
          </Notice>
        ) : null}
        {resources.length === 0 ? (
          chat.workspace_id === undefined ? (
            <EmptyState icon={Layers} title="No workspace yet">
              Instructions, skills and tools that a workspace brings are listed here once the chat has one.
            </EmptyState>
          ) : (
            <EmptyState icon={Layers} title="Nothing from the workspace">
              It brings the model no instructions, skills or tools. An AGENTS.md in its home folder would be
              read.
            </EmptyState>
          )
        ) : (
          <ul className="rounded-card border border-line bg-surface">
            {resources.map((resource) => (
              <Resource key={`${resource.kind} ${resource.source}`} resource={resource} />
            ))}
          </ul>
        )}
      </section>
    </div>
  )
}

function Window({ chat, own }: { readonly chat: Chat; readonly own: boolean }) {
  const online = useOnline()
  const params = { chat: chat.id }
  const messages = useQuery({
    queryKey: ['chat', chat.id, 'usage', chat.updated_at],
    queryFn: ({ signal }) => api.call(listChatMessages, { params, query: { limit: String(NEWEST) }, signal }),
  })
  const models = useQuery(modelConfigsQuery)
  const compact = useMutation({ mutationFn: () => api.call(compactChat, { params }) })
  const model = models.data?.find(({ id }) => id === chat.last_model_config_id)
  const newest = (messages.data?.messages ?? []).toSorted((a, b) => a.id - b.id)
  const use = contextUsage(lastWithUsage(newest), model?.context_limit)
  if (use === undefined) return null
  const threshold = model?.compression_threshold
  const percent = Math.round(use.share * 100)
  const tone = { ok: 'bg-accent', warn: 'bg-warn', bad: 'bg-bad' }[use.level]
  return (
    <section aria-label="Context window" className="flex flex-col gap-2">
      <div className="flex items-baseline gap-2 text-sm">
        <span className="font-semibold tabular-nums">{percent} %</span>
        <span className="flex-1 text-ink-2 tabular-nums">
          {tokens(use.used)} of {tokens(use.limit)} tokens
        </span>
        {own && !chat.archived ? (
          <Button size="dense" busy={compact.isPending} disabled={!online} onClick={() => compact.mutate()}>
            Compact now
          </Button>
        ) : null}
      </div>
      {/* biome-ignore lint/a11y/useSemanticElements: the element cannot show the mark of the threshold. */}
      <div
        role="meter"
        aria-label="Context used"
        aria-valuenow={percent}
        aria-valuemin={0}
        aria-valuemax={100}
        className="relative h-1.5 overflow-hidden rounded-full bg-line"
      >
        <div className={`h-full ${tone}`} style={{ width: `${Math.min(percent, 100)}%` }} />
        {threshold === undefined || threshold >= 100 ? null : (
          <div className="absolute inset-y-0 w-0.5 bg-ink-3" style={{ left: `${threshold}%` }} />
        )}
      </div>
      <p className="text-xs text-ink-2">
        {use.level === 'bad'
          ? 'Nearly full: the next turn may not fit.'
          : threshold === undefined || threshold >= 100
            ? 'It is not compacted by itself.'
            : `Compacted by itself at ${threshold} %.`}
      </p>
      <ErrorNotice error={compact.error} title="The chat was not compacted" />
    </section>
  )
}

const KINDS = {
  instruction_file: { label: 'Instructions', icon: ScrollText },
  skill: { label: 'Skill', icon: Wand },
  mcp_config: { label: 'MCP configuration', icon: FileCog },
  mcp_server: { label: 'MCP server', icon: Plug },
} as const

const FAULTS = {
  ok: undefined,
  oversize: 'Too large, left out',
  unreadable: 'Cannot be read',
  invalid: 'Not valid',
  excluded: 'Left out',
} as const

function Resource({ resource }: { readonly resource: ChatContextResource }) {
  const { label, icon: Icon } = KINDS[resource.kind]
  const fault = FAULTS[resource.status]
  const toolCount = resource.tools?.length ?? 0
  return (
    <li className="flex min-h-12 items-start gap-3 border-b border-line px-3 py-2 last:border-b-0">
      <Icon className="mt-0.5 size-4 shrink-0 text-ink-3" strokeWidth={1.75} aria-hidden="true" />
      <span className="min-w-0 flex-1">
        <span className="block truncate text-sm font-medium" title={resource.source}>
          <bdi>{resource.skill_name ?? resource.source}</bdi>
        </span>
        <span className="block text-xs text-ink-2">
          {[
            label,
            resource.size_bytes === 0 ? '' : fileSize(resource.size_bytes),
            toolCount === 0 ? '' : `${toolCount} tools`,
            resource.skill_description ?? '',
          ]
            .filter((word) => word !== '')
            .join(' · ')}
        </span>
        {fault === undefined ? null : (
          <span className="block text-xs text-bad">
            {[fault, resource.error ?? ''].filter((word) => word !== '').join(': ')}
          </span>
        )}
      </span>
    </li>
  )
}
