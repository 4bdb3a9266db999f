import {
  type ChatInputPart,
  type ChatStreamEvent,
  type CreateChatMessageRequest,
  deleteChatQueuedMessage,
  editChatMessage,
  interruptChat,
  listChatMessages,
  promoteChatQueuedMessage,
  retryChatNow,
  sendChatMessage,
  streamChat,
} from '@slipway/contract'
import { api, checkSession, connection } from '../api/client.ts'
import { requestPath } from '../api/http.ts'
import { type LiveSocket, openLiveSocket } from '../api/live-socket.ts'
import { untilAnswered } from '../api/until-answered.ts'
import {
  applyEvents,
  type ChatState,
  EMPTY_CHAT,
  reopened,
  withMessages,
  withOlder,
  withoutFrom,
  withoutQueued,
  withQueue,
} from './chat-store.ts'

const PAGE = 50
const HIDDEN_FLUSH_MS = 250
/** Text is revealed no more often (UI-1129); what comes in between waits for it. */
const PIECES_FLUSH_MS = 50
/** A stream that lost pieces is opened anew: soon, and then less and less often. */
const FIRST_REOPEN_MS = 250
const LAST_REOPEN_MS = 10_000

/** An open chat: what is known of it, and how it is connected. */
export interface ChatView {
  readonly chat: ChatState
  /** `loading` until the newest page is there. */
  readonly link: 'loading' | 'failed' | 'live' | 'down'
  /** Why the newest page could not be read. */
  readonly failure: unknown
  readonly older: 'idle' | 'loading' | 'failed'
  readonly interrupting: boolean
}

/** What a message is sent with, beside its content. */
interface SendOptions {
  readonly modelConfigId?: string | undefined
  readonly reasoningEffort?: string | undefined
  readonly busy?: 'queue' | 'interrupt'
  readonly planMode?: boolean
  /** Which MCP servers the chat uses from now on; undefined leaves them. */
  readonly mcpServerIds?: readonly string[] | undefined
}

/**
 * Reads a chat and follows it (UI-1127, UI-1128): the newest page, then the stream from there on. What comes is
 * taken in at most once per animation frame; a stream that breaks or loses pieces is opened again from the newest
 * message held (CH-905).
 */
export class ChatSession {
  readonly id: string
  #view: ChatView = {
    chat: EMPTY_CHAT,
    link: 'loading',
    failure: undefined,
    older: 'idle',
    interrupting: false,
  }
  readonly #listeners = new Set<() => void>()
  #socket: LiveSocket | undefined
  #events: ChatStreamEvent[] = []
  #flushed = 0
  #frame: number | undefined
  #timer: ReturnType<typeof setTimeout> | undefined
  #reopen: ReturnType<typeof setTimeout> | undefined
  #reopens = 0
  #sent = 0

  readonly #follows: boolean

  /** @param follows false where no model can be reached: the chat is read once, and no stream opened (UI-1103). */
  constructor(id: string, follows: boolean) {
    this.id = id
    this.#follows = follows
  }

  readonly view = (): ChatView => this.#view

  readonly subscribe = (listener: () => void): (() => void) => {
    this.#listeners.add(listener)
    return () => this.#listeners.delete(listener)
  }

  /** Loads and follows until the returned function is called. */
  start(): () => void {
    const stop = new AbortController()
    document.addEventListener('visibilitychange', this.#flush)
    void this.#load(stop.signal)
    return () => {
      stop.abort()
      document.removeEventListener('visibilitychange', this.#flush)
      clearTimeout(this.#reopen)
      this.#cancelFlush()
      this.#events = []
      this.#socket?.[Symbol.dispose]()
      this.#socket = undefined
    }
  }

  /** Reads the newest page again after it failed. */
  reload(): void {
    this.#set({ link: 'loading', failure: undefined })
    void this.#load(undefined)
  }

  /** Adds the page before the oldest message. */
  async loadOlder(): Promise<void> {
    const { chat, older } = this.#view
    const first = chat.messages[0]
    if (first === undefined || !chat.hasOlder || older === 'loading') return
    this.#set({ older: 'loading' })
    try {
      const { messages, has_more: hasMore } = await api.call(listChatMessages, {
        params: { chat: this.id },
        query: { before_id: String(first.id), limit: String(PAGE) },
      })
      this.#set({ chat: withOlder(this.#view.chat, messages.toReversed(), hasMore), older: 'idle' })
    } catch {
      this.#set({ older: 'failed' })
    }
  }

  /** Sends a message; it shows at once, and goes out when the connection is back. Rejects when the server refuses it. */
  async send(content: readonly ChatInputPart[], options: SendOptions): Promise<void> {
    const key = `pending-${++this.#sent}`
    const text = content.flatMap((part) => (part.type === 'text' ? [part.text ?? ''] : [])).join('\n\n')
    const files = content.filter(({ type }) => type === 'file').length
    this.#change((chat) => ({ ...chat, pending: [...chat.pending, { key, text, files }] }))
    try {
      const body: CreateChatMessageRequest = {
        content: [...content],
        busy_behavior: options.busy ?? 'queue',
        ...(options.modelConfigId === undefined ? {} : { model_config_id: options.modelConfigId }),
        ...(options.reasoningEffort === undefined ? {} : { reasoning_effort: options.reasoningEffort }),
        ...(options.mcpServerIds === undefined ? {} : { mcp_server_ids: [...options.mcpServerIds] }),
        ...(options.planMode === undefined ? {} : { plan_mode: options.planMode ? 'plan' : '' }),
      }
      const answer = await untilAnswered(`chat ${this.id}`, body, (idempotencyKey) =>
        api.call(sendChatMessage, {
          params: { chat: this.id },
          headers: { 'Idempotency-Key': idempotencyKey },
          body,
        }),
      )
      const { queued_message: queued } = answer
      const inserted = answer.messages ?? (answer.message === undefined ? [] : [answer.message])
      this.#change((chat) => {
        const next = { ...chat, pending: chat.pending.filter((message) => message.key !== key) }
        const held = queued === undefined || next.queue.some(({ id }) => id === queued.id)
        const known = held || chat.messages.some(({ id }) => id === queued.id)
        const withQueued = known ? next : withQueue(next, [...next.queue, queued])
        return inserted.length === 0
          ? withQueued
          : { ...withMessages(withQueued, inserted), status: 'running', error: undefined }
      })
    } catch (error) {
      this.#change((chat) => ({ ...chat, pending: chat.pending.filter((message) => message.key !== key) }))
      throw error
    }
  }

  /** Replaces a message of the user: what came after it goes (CH-206). The old history comes back on a refusal. */
  async edit(message: number, content: readonly ChatInputPart[], options: SendOptions): Promise<void> {
    const answer = await api.call(editChatMessage, {
      params: { chat: this.id, message: String(message) },
      body: {
        content: [...content],
        ...(options.modelConfigId === undefined ? {} : { model_config_id: options.modelConfigId }),
        ...(options.reasoningEffort === undefined ? {} : { reasoning_effort: options.reasoningEffort }),
      },
    })
    this.#change((chat) => {
      // The stream may have been faster, and knows more by now.
      if (chat.messages.some(({ id }) => id === answer.message.id)) return chat
      return { ...withMessages(withoutFrom(chat, message), answer.messages), status: 'running' }
    })
  }

  /** Stops the run; what it has said so far stays. */
  async interrupt(): Promise<void> {
    if (this.#view.interrupting) return
    this.#set({ interrupting: true })
    try {
      await api.call(interruptChat, { params: { chat: this.id } })
    } finally {
      this.#set({ interrupting: false })
    }
  }

  /** Calls the model now instead of at the end of the pause. */
  async retryNow(): Promise<void> {
    await api.call(retryChatNow, { params: { chat: this.id } })
  }

  async removeQueued(id: number): Promise<void> {
    await api.call(deleteChatQueuedMessage, { params: { chat: this.id, queuedMessage: String(id) } })
    this.#change((chat) => withoutQueued(chat, id))
  }

  /** Puts a queued message in front; a run that is under way stops for it. */
  async promote(id: number): Promise<void> {
    const { message } = await api.call(promoteChatQueuedMessage, {
      params: { chat: this.id, queuedMessage: String(id) },
    })
    this.#change((chat) => {
      if (message !== undefined) return withMessages(withoutQueued(chat, id), [message])
      const head = chat.queue.find((one) => one.id === id)
      return head === undefined ? chat : withQueue(chat, [head, ...chat.queue.filter((one) => one.id !== id)])
    })
  }

  /** For what is known of the chat by other requests; the stream knows better once it has spoken. */
  learn(known: Pick<ChatState, 'status' | 'error'>): void {
    if (!this.#view.chat.streamed) this.#change((chat) => ({ ...chat, ...known }))
  }

  async #load(signal: AbortSignal | undefined): Promise<void> {
    try {
      const page = await api.call(listChatMessages, {
        params: { chat: this.id },
        query: { limit: String(PAGE) },
        ...(signal === undefined ? {} : { signal }),
      })
      const chat = withOlder(this.#view.chat, page.messages.toReversed(), page.has_more)
      this.#set({
        chat: chat.streamed ? chat : withQueue(chat, page.queued_messages),
        link: this.#follows ? 'down' : 'live',
      })
      if (this.#follows) this.#open()
    } catch (error) {
      if (signal?.aborted !== true) this.#set({ link: 'failed', failure: error })
    }
  }

  #open(): void {
    this.#socket?.[Symbol.dispose]()
    this.#socket = openLiveSocket({
      path: () =>
        requestPath(
          streamChat.path,
          { chat: this.id },
          { after_id: this.#view.chat.messages.at(-1)?.id ?? 0 },
        ),
      onMessage: (frame) => {
        if (!Array.isArray(frame)) return
        for (const event of frame) this.#events.push(event)
        this.#schedule(frame.every(({ type }) => type === 'message_part'))
      },
      onOpen: () => {
        this.#flush()
        this.#set({ chat: reopened(this.#view.chat), link: 'live' })
      },
      onDown: () => {
        this.#set({ link: 'down' })
        connection.suspect()
      },
      onRefused: () => void checkSession(),
    })
  }

  #schedule(pieces: boolean): void {
    if (this.#frame !== undefined) return
    // Nothing is painted in a hidden tab, and the browser calls nobody for it.
    const pause = document.hidden
      ? HIDDEN_FLUSH_MS
      : pieces
        ? this.#flushed + PIECES_FLUSH_MS - performance.now()
        : 0
    if (pause > 0) this.#timer ??= setTimeout(this.#flush, pause)
    else {
      this.#cancelFlush()
      this.#frame = requestAnimationFrame(this.#flush)
    }
  }

  #cancelFlush(): void {
    if (this.#frame !== undefined) cancelAnimationFrame(this.#frame)
    clearTimeout(this.#timer)
    this.#frame = undefined
    this.#timer = undefined
  }

  readonly #flush = (): void => {
    this.#cancelFlush()
    if (this.#events.length === 0) return
    const events = this.#events
    this.#events = []
    this.#flushed = performance.now()
    const chat = applyEvents(this.#view.chat, events, this.id)
    this.#set({ chat })
    if (!chat.gap) {
      if (chat.preview.parts.length > 0) this.#reopens = 0
      return
    }
    this.#socket?.[Symbol.dispose]()
    this.#set({ link: 'down' })
    clearTimeout(this.#reopen)
    const pause = Math.min(FIRST_REOPEN_MS * 2 ** this.#reopens++, LAST_REOPEN_MS)
    this.#reopen = setTimeout(() => this.#open(), pause)
  }

  #change(change: (chat: ChatState) => ChatState): void {
    this.#set({ chat: change(this.#view.chat) })
  }

  #set(change: Partial<ChatView>): void {
    this.#view = { ...this.#view, ...change }
    for (const listener of this.#listeners) listener()
  }
}
