import { useQuery } from '@tanstack/react-query'
import { type KeyboardEvent, useEffect, useMemo, useRef, useState } from 'react'

import {
  type Chat,
  type ChatQueuedMessage,
  compactChat,
  listChatPrompts,
  updateChat,
} from '@slipway/contract'
import { api, queries } from '../api/client.ts'
import { preferencesQuery } from '../appearance/use-look.ts'
import { widthChoice } from '../chats/device-habits.ts'
import { GATEWAY_ENABLED } from '../chats/gateway.ts'
import { chatQuery } from '../chats/queries.ts'
import { ServerChips } from '../chats/server-chips.tsx'
import { useBoundWorkspace } from '../chats/use-bound-workspace.tsx'
import { useChosenServers } from '../chats/use-chosen-servers.ts'
import { useOnline } from '../frame/connection-banner.tsx'
import { singleKeys } from '../frame/single-keys.ts'
import { useUser } from '../session/session.tsx'
import { useChoice } from '../theme/choice.ts'
import { Button } from '../ui/button.tsx'
import { classNames } from '../ui/class-names.ts'
import { ErrorPage } from '../ui/error-notice.tsx'
import { AfterDelay } from '../ui/skeleton.tsx'
import { toasts } from '../ui/toast.tsx'
import { Announcer } from './announcer.tsx'
import { ChatSession } from './chat-session.ts'
import { textOf } from './chat-store.ts'
import { type ComposedMessage, Composer } from './composer.tsx'
import { receiveDeliveries } from './composer-inbox.ts'
import { ContextMeter } from './context-meter.tsx'
import { contextUsage, lastWithUsage } from './context-usage.ts'
import {
  type ComposerHandle,
  type Conversation,
  ConversationContext,
  isActive,
  useChatView,
} from './conversation-context.ts'
import type { Draft } from './drafts.ts'
import { FailureCard } from './failure-card.tsx'
import { isMention } from './mentions.ts'
import { ModelPicker } from './model-picker.tsx'
import { OpenedRows } from './opened-rows.ts'
import { MOST_QUEUED, QueueList } from './queue-list.tsx'
import { StatusLine } from './status-line.tsx'
import { Transcript } from './transcript.tsx'
import { useChatModel } from './use-chat-model.ts'
import { useSkillCommands } from './use-skill-commands.ts'

interface ConversationPaneProps {
  readonly chatId: string
  /** A message that is brought into sight. */
  readonly message?: number | undefined
  /** Text is looked for. */
  readonly finding?: boolean
  readonly onFinding?: (finding: boolean) => void
}

/** A chat: what was said, what goes on, and where one writes. Fills the height that it is given. */
export function ConversationPane(props: ConversationPaneProps) {
  return <OpenConversation key={props.chatId} {...props} />
}

function OpenConversation({ chatId, ...reading }: ConversationPaneProps) {
  const [session] = useState(() => new ChatSession(chatId, GATEWAY_ENABLED))
  useEffect(() => session.start(), [session])
  const chat = useQuery(chatQuery(chatId))
  const link = useChatView(session, (view) => view.link)
  const failure = useChatView(session, (view) => view.failure)
  const { data, error } = chat
  useEffect(() => {
    if (data !== undefined) session.learn({ status: data.status, error: data.last_error })
  }, [session, data])
  if (data === undefined && error !== null)
    return <ErrorPage title="The chat could not be read" error={error} onRetry={() => void chat.refetch()} />
  if (link === 'failed')
    return (
      <ErrorPage title="The messages could not be read" error={failure} onRetry={() => session.reload()} />
    )
  if (data === undefined || link === 'loading') return <ConversationSkeleton />
  return <Conversing session={session} chat={data} {...reading} />
}

function ConversationSkeleton() {
  return (
    <AfterDelay>
      <div aria-busy="true" className="mx-auto flex w-full max-w-[760px] flex-col gap-4 px-4 pt-10">
        <span role="status" className="sr-only">
          Loading
        </span>
        <div className="skeleton ml-auto h-14 w-2/3" />
        <div className="skeleton h-4 w-full" />
        <div className="skeleton h-4 w-11/12" />
        <div className="skeleton h-4 w-3/5" />
        <div className="skeleton h-7 w-2/5" />
        <div className="skeleton h-7 w-1/2" />
      </div>
    </AfterDelay>
  )
}

/** What the composer holds instead of its draft. */
type Editing = { readonly kind: 'message'; readonly id: number; readonly draft: Draft }

function Conversing({
  session,
  chat,
  message,
  finding = false,
  onFinding,
}: Omit<ConversationPaneProps, 'chatId'> & { readonly session: ChatSession; readonly chat: Chat }) {
  const user = useUser()
  const online = useOnline()
  const preferences = useQuery(preferencesQuery).data
  const model = useChatModel(chat)
  const composer = useRef<ComposerHandle>(null)
  const [opened] = useState(() => new OpenedRows())
  const [editing, setEditing] = useState<Editing>()
  const [planning, setPlanning] = useState<Promise<void>>()
  const status = useChatView(session, (view) => view.chat.status)
  const interrupting = useChatView(session, (view) => view.interrupting)
  const queueFull = useChatView(session, (view) => view.chat.queue.length >= MOST_QUEUED)
  const queueHead = useChatView(session, (view) => view.chat.queue[0]?.id)
  const measured = useChatView(session, (view) => lastWithUsage(view.chat.messages))
  const active = isActive(status)
  const canWrite = chat.owner_id === user.id && !chat.archived && GATEWAY_ENABLED
  const plan = chat.plan_mode === 'plan'
  const { modelConfigId, reasoningEffort } = model

  const stop = () =>
    void session.interrupt().catch((error: unknown) => toasts.failed('The answer goes on', error))
  const setPlan = (on: boolean): Promise<void> => {
    const saving = (async () => {
      showPlanMode(chat.id, on)
      try {
        await api.call(updateChat, { params: { chat: chat.id }, body: { plan_mode: on ? 'plan' : '' } })
      } catch (error) {
        toasts.failed('The plan mode was not changed', error)
        await queries.invalidateQueries({ queryKey: chatQuery(chat.id).queryKey, exact: true })
      }
      setPlanning(undefined)
    })()
    setPlanning(saving)
    return saving
  }
  const compact = async () => {
    await api.call(compactChat, { params: { chat: chat.id } })
  }
  const wide = useChoice(widthChoice) === 'full'
  const workspace = useBoundWorkspace(chat, canWrite && chat.parent_chat_id === undefined)
  const servers = useChosenServers(canWrite ? chat.organization_id : undefined, chat.mcp_server_ids)
  const skills = useSkillCommands(chat, active ? undefined : compact)

  const value = useMemo(
    (): Conversation => ({
      session,
      chat,
      preferences,
      models: model.configs,
      canWrite,
      opened,
      composer: {
        focus: () => composer.current?.focus(),
        insert: (text) => composer.current?.insert(text),
        refer: (reference) => composer.current?.refer(reference),
      },
      say: async (text, { planMode } = {}) => {
        await session.send([{ type: 'text', text }], {
          modelConfigId,
          reasoningEffort,
          ...(planMode === undefined ? {} : { planMode }),
        })
        if (planMode !== undefined) showPlanMode(chat.id, planMode)
      },
      startEdit: (id) => {
        const message = session.view().chat.messages.find((one) => one.id === id)
        if (message !== undefined) setEditing({ kind: 'message', id, draft: draftOf(message.content) })
      },
    }),
    [session, chat, preferences, model.configs, canWrite, opened, modelConfigId, reasoningEffort],
  )

  useEffect(
    () =>
      canWrite
        ? receiveDeliveries(chat.id, (delivery) =>
            delivery.kind === 'text'
              ? composer.current?.insert(delivery.text)
              : composer.current?.refer(delivery.reference),
          )
        : undefined,
    [canWrite, chat.id],
  )

  const submit = async ({ content }: ComposedMessage, how: 'queue' | 'interrupt') => {
    if (editing !== undefined) {
      await session.edit(editing.id, content, { modelConfigId, reasoningEffort })
      setEditing(undefined)
      return
    }
    await Promise.all([planning, workspace.settled()])
    await session.send(content, {
      modelConfigId,
      reasoningEffort,
      busy: how,
      mcpServerIds: servers.changed ? servers.ids : undefined,
    })
  }
  const editQueued = (message: ChatQueuedMessage) => composer.current?.insert(textOf(message.content))
  const onKeyDown = (event: KeyboardEvent) => {
    if (event.key !== 'Escape' || event.defaultPrevented || event.nativeEvent.isComposing) return
    if (
      event.target instanceof HTMLElement &&
      event.target.closest('[role="dialog"], [role="menu"]') !== null
    )
      return
    if (editing !== undefined) setEditing(undefined)
    else if (active && canWrite && status !== 'interrupting' && singleKeys.get() === 'on') stop()
    else return
    event.preventDefault()
  }
  const usage = contextUsage(measured, model.config?.context_limit)

  return (
    <ConversationContext value={value}>
      <section aria-label="Chat" onKeyDown={onKeyDown} className="flex min-h-0 min-w-0 flex-1 flex-col">
        <Transcript
          editing={editing?.id}
          wide={wide}
          message={message}
          finding={finding}
          onFindingEnd={() => {
            onFinding?.(false)
            composer.current?.focus()
          }}
        />
        <Announcer />
        <div
          data-pane="composer"
          className={classNames(
            'mx-auto w-full shrink-0 px-4 pb-[max(12px,env(safe-area-inset-bottom))] max-sm:px-2',
            !wide && 'max-w-[792px]',
          )}
        >
          <FailureCard onSumUp={canWrite ? compact : undefined} />
          <StatusLine chat={chat} />
          <QueueList onEdit={editQueued} />
          {editing === undefined ? null : <EditingNote onCancel={() => setEditing(undefined)} />}
          {canWrite ? (
            <Composer
              key={editing === undefined ? 'draft' : `edit ${editing.id}`}
              ref={composer}
              draftKey={editing === undefined ? chat.id : `${chat.id}.edit`}
              organizationId={chat.organization_id}
              workspaceId={chat.workspace_id}
              label={editing === undefined ? 'Message' : 'Changed message'}
              placeholder={active ? 'Write what comes next' : 'Ask for a change, or ask a question'}
              autoFocus
              blocked={
                !online
                  ? 'There is no connection to the server'
                  : active && queueFull && editing === undefined
                    ? 'The queue is full'
                    : undefined
              }
              onSubmit={submit}
              onEmptySubmit={queueHead === undefined ? undefined : () => void promoteHead(session, queueHead)}
              modelPicker={
                <>
                  <ModelPicker
                    value={model.id}
                    onChange={model.choose}
                    effort={reasoningEffort}
                    onEffort={model.setEffort}
                  />
                  {editing === undefined && chat.parent_chat_id === undefined ? workspace.picker : null}
                </>
              }
              menu={editing === undefined ? [servers.items] : []}
              chips={
                editing === undefined ? (
                  <ServerChips servers={servers.chosen} onRemove={servers.toggle} />
                ) : null
              }
              planMode={editing === undefined ? { on: plan, onChange: (on) => void setPlan(on) } : undefined}
              running={
                active ? { stopping: interrupting || status === 'interrupting', onStop: stop } : undefined
              }
              history={() => prompts(chat.id)}
              commands={skills.commands}
              commandsLoading={skills.loading}
              editing={
                editing === undefined
                  ? undefined
                  : { draft: editing.draft, onCancel: () => setEditing(undefined) }
              }
              meter={
                usage === undefined ? null : (
                  <ContextMeter
                    usage={usage}
                    threshold={model.config?.compression_threshold}
                    onCompact={active ? undefined : compact}
                  />
                )
              }
            />
          ) : null}
        </div>
      </section>
    </ConversationContext>
  )
}

function EditingNote({ onCancel }: { readonly onCancel: () => void }) {
  return (
    <div className="mb-2 flex items-center gap-3 rounded-control bg-warn-wash py-1.5 pl-3 pr-1.5 text-sm">
      <span className="min-w-0 flex-1">
        Changing an earlier message: everything after it is deleted, and the queue is emptied.
      </span>
      <Button size="dense" tone="quiet" onClick={onCancel}>
        Cancel
      </Button>
    </div>
  )
}

function draftOf(content: ChatQueuedMessage['content']): Draft {
  return {
    text: textOf(content),
    files: content.flatMap((part) =>
      part.type === 'file' && part.file_id !== undefined
        ? [{ id: part.file_id, name: part.name ?? 'file', type: part.media_type ?? '', size: 0 }]
        : [],
    ),
    mentions: Object.fromEntries(content.filter(isMention).map(({ file_name: file = '' }) => [file, file])),
    references: content.flatMap((part) =>
      part.type === 'file-reference' && !isMention(part)
        ? [
            {
              file: part.file_name ?? '',
              from: part.start_line ?? 0,
              until: part.end_line ?? part.start_line ?? 0,
              content: part.content ?? '',
              comment: '',
            },
          ]
        : [],
    ),
  }
}

/** At once, before the server has answered. */
function showPlanMode(chat: string, on: boolean): void {
  queries.setQueryData(chatQuery(chat).queryKey, (known: Chat | undefined): Chat | undefined => {
    if (known === undefined) return undefined
    const { plan_mode: _, ...rest } = known
    return on ? { ...rest, plan_mode: 'plan' } : rest
  })
}

async function prompts(chat: string): Promise<readonly string[]> {
  const { prompts: sent } = await api.call(listChatPrompts, { params: { chat }, query: { limit: 100 } })
  return sent.map(({ text }) => text)
}

async function promoteHead(session: ChatSession, id: number): Promise<void> {
  try {
    await session.promote(id)
  } catch (error) {
    toasts.failed('The message was not sent', error)
  }
}
