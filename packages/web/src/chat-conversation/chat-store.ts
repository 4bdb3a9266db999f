import type {
  ChatError,
  ChatMessage,
  ChatMessagePart,
  ChatQueuedMessage,
  ChatStatus,
  ChatStreamEvent,
  ChatStreamRetry,
  ChatStreamToolCall,
} from '@slipway/contract'
import { NO_PREVIEW, type Preview, takePiece } from './chat-preview.ts'
import { gapBefore, isMention, mentionText } from './mentions.ts'

/** A message that was sent and is not answered for yet. */
export interface PendingMessage {
  readonly key: string
  readonly text: string
  readonly files: number
}

/** All that is known of an open chat. Never changed in place. */
export interface ChatState {
  /** By id, ascending (CH-112). */
  readonly messages: readonly ChatMessage[]
  /** There are older ones on the server. */
  readonly hasOlder: boolean
  readonly preview: Preview
  /** Changes with every new preview; the rows of a preview keep their place when it is committed. */
  readonly previewKey: number
  /** Which preview a committed message was before. */
  readonly previewOf: ReadonlyMap<number, number>
  readonly queue: readonly ChatQueuedMessage[]
  /** Queued messages that were taken out here: an update that is on its way may still have them (UI-1135). */
  readonly unqueued: ReadonlySet<number>
  readonly status: ChatStatus | undefined
  readonly retry: ChatStreamRetry | undefined
  readonly error: ChatError | undefined
  readonly actionRequired: readonly ChatStreamToolCall[]
  readonly pending: readonly PendingMessage[]
  /** Messages after a reset of the history, until it is complete (UI-1128). */
  readonly incoming: readonly ChatMessage[] | undefined
  /** What other chats of the tree do. */
  readonly others: ReadonlyMap<string, ChatStatus>
  /** The stream has said status or queue: what requests answer is older. */
  readonly streamed: boolean
  /** Pieces are missing: the stream has to be opened anew. */
  readonly gap: boolean
}

export const EMPTY_CHAT: ChatState = {
  messages: [],
  hasOlder: false,
  preview: NO_PREVIEW,
  previewKey: 0,
  previewOf: new Map(),
  queue: [],
  unqueued: new Set(),
  status: undefined,
  retry: undefined,
  error: undefined,
  actionRequired: [],
  pending: [],
  incoming: undefined,
  others: new Map(),
  streamed: false,
  gap: false,
}

/** Takes in everything that came since the last frame as one change (UI-1128). */
export function applyEvents(state: ChatState, events: readonly ChatStreamEvent[], chatId: string): ChatState {
  let next = state
  let upserts: ChatMessage[] = []
  const settle = () => {
    if (upserts.length > 0) next = withMessages(next, upserts)
    upserts = []
  }
  for (const event of events) {
    if (event.chat_id !== chatId) {
      if (event.status !== undefined)
        next = { ...next, others: new Map(next.others).set(event.chat_id, event.status.status) }
      continue
    }
    if (event.type === 'message') {
      if (event.message === undefined) continue
      if (next.incoming !== undefined) next = { ...next, incoming: [...next.incoming, event.message] }
      else upserts.push(event.message)
      continue
    }
    settle()
    next = applyEvent(swapIn(next), event)
  }
  settle()
  return next
}

/** The history that was sent anew replaces the old one when the first event of another kind comes. */
function swapIn(state: ChatState): ChatState {
  if (state.incoming === undefined) return state
  return {
    ...state,
    messages: state.incoming.toSorted((a, b) => a.id - b.id),
    hasOlder: false,
    incoming: undefined,
  }
}

function applyEvent(state: ChatState, event: ChatStreamEvent): ChatState {
  switch (event.type) {
    case 'history_reset':
      return { ...state, incoming: [], preview: NO_PREVIEW, previewKey: state.previewKey + 1 }
    case 'preview_reset':
      return state.preview === NO_PREVIEW
        ? state
        : { ...state, preview: NO_PREVIEW, previewKey: state.previewKey + 1 }
    case 'message_part': {
      if (event.message_part === undefined || state.status === 'waiting' || state.gap) return state
      const step = takePiece(state.preview, event.message_part)
      if (step.kind === 'gap') return { ...state, gap: true }
      return step.kind === 'old' ? state : { ...state, preview: step.preview, retry: undefined }
    }
    case 'queue_update':
      return withQueue(state, event.queued_messages ?? [], true)
    case 'status':
      return event.status === undefined ? state : withStatus(state, event.status.status)
    case 'retry':
      return { ...state, retry: event.retry }
    case 'error':
      return { ...state, error: event.error, retry: undefined }
    case 'action_required':
      return { ...state, actionRequired: event.action_required?.tool_calls ?? [] }
    case 'message':
      return state
  }
}

function withStatus(state: ChatState, status: ChatStatus): ChatState {
  return {
    ...state,
    status,
    streamed: true,
    error: status === 'error' ? state.error : undefined,
    retry: status === 'running' ? state.retry : undefined,
    actionRequired: status === 'requires_action' ? state.actionRequired : [],
  }
}

/** Adds committed messages or newer versions of them. An answer takes the place of its preview. */
export function withMessages(state: ChatState, messages: readonly ChatMessage[]): ChatState {
  const answer = messages.find(({ role }) => role === 'assistant')
  const superseded = answer !== undefined && state.preview.parts.length > 0
  const sent = messages.filter(({ role }) => role === 'user').map(({ content }) => textOf(content))
  return {
    ...state,
    messages: merged(state.messages, messages),
    pending: withoutSent(state.pending, sent),
    ...(superseded
      ? {
          // The run may go on with the next number: only what it has said so far is committed.
          preview: { cursor: state.preview.cursor, parts: [] },
          previewKey: state.previewKey + 1,
          previewOf: new Map(state.previewOf).set(answer.id, state.previewKey),
        }
      : {}),
    retry: undefined,
  }
}

/** Replaces the queue. */
export function withQueue(
  state: ChatState,
  queue: readonly ChatQueuedMessage[],
  streamed = state.streamed,
): ChatState {
  const known = new Set(state.queue.map(({ id }) => id))
  const sent = queue.filter(({ id }) => !known.has(id)).map(({ content }) => textOf(content))
  return {
    ...state,
    queue: queue.filter(({ id }) => !state.unqueued.has(id)),
    pending: withoutSent(state.pending, sent),
    streamed,
  }
}

/** Takes a message out of the queue for good. */
export function withoutQueued(state: ChatState, id: number): ChatState {
  return withQueue({ ...state, unqueued: new Set(state.unqueued).add(id) }, state.queue)
}

/** The text of a message, with the files that it names where they stand in it, without attachments and quoted lines. */
export function textOf(content: readonly ChatMessagePart[]): string {
  let text = ''
  let afterMention = false
  for (const part of content) {
    const mention = isMention(part)
    if (part.type !== 'text' && !mention) continue
    const piece = mention ? mentionText(part) : (part.text ?? '')
    if (text !== '') text += mention || afterMention ? gapBefore(piece) : '\n\n'
    text += piece
    afterMention = mention
  }
  return text
}

/** What was sent shows once: as sent while it is on its way, then as the server has it. */
function withoutSent(
  pending: readonly PendingMessage[],
  texts: readonly string[],
): readonly PendingMessage[] {
  let rest = pending
  for (const text of texts) {
    const at = rest.findIndex((message) => message.text.trim() === text.trim())
    if (at >= 0) rest = rest.toSpliced(at, 1)
  }
  return rest
}

function merged(known: readonly ChatMessage[], added: readonly ChatMessage[]): readonly ChatMessage[] {
  const last = known.at(-1)?.id ?? 0
  if (added.every((message, index) => message.id > (added[index - 1]?.id ?? last)))
    return [...known, ...added]
  const byId = new Map(known.map((message) => [message.id, message]))
  for (const message of added) byId.set(message.id, message)
  return [...byId.values()].sort((a, b) => a.id - b.id)
}

/** Adds a page of older messages in front. */
export function withOlder(state: ChatState, messages: readonly ChatMessage[], hasMore: boolean): ChatState {
  return { ...state, messages: merged(state.messages, messages), hasOlder: hasMore }
}

/** The stream is opened anew: its first events decide again, and pieces start at the first. */
export function reopened(state: ChatState): ChatState {
  return {
    ...state,
    // What has been read stays in sight until the stream says what comes instead.
    preview: { cursor: undefined, parts: state.preview.parts },
    incoming: undefined,
    streamed: false,
    gap: false,
  }
}

/** An edit takes the message and all after it away, and the queue with them (CH-206). */
export function withoutFrom(state: ChatState, id: number): ChatState {
  return {
    ...state,
    messages: state.messages.filter((message) => message.id < id),
    queue: [],
    preview: NO_PREVIEW,
    previewKey: state.previewKey + 1,
    error: undefined,
    retry: undefined,
  }
}
