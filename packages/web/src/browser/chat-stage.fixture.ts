import { once } from 'node:events'
import { createServer, type IncomingMessage, request, type Server, type ServerResponse } from 'node:http'
import { type AddressInfo, connect } from 'node:net'
import type { Duplex } from 'node:stream'

import { type WebSocket, WebSocketServer } from 'ws'

import type { Chat, ChatMessage, ChatQueuedMessage, ChatStreamEvent } from '@slipway/contract'

const BASE = '/api/experimental/chats'
const PAGE = 50

/** A request for a chat that came, for tests to look at. */
interface StageRequest {
  readonly method: string
  readonly path: string
  readonly body: unknown
}

/** A chat on the stage: tests change it and send events of their own. */
export interface StagedChat {
  chat: Chat
  messages: ChatMessage[]
  queue: ChatQueuedMessage[]
  /** What a stream gets when it opens, after status and queue. */
  opening: readonly Omit<ChatStreamEvent, 'chat_id'>[]
}

type Answer = { readonly status: number; readonly body?: unknown }

/**
 * Stands before a real server and answers for chats itself, with streams that tests write: every state can be shown
 * at once and as often as wanted. Everything else goes through to the server.
 */
export class ChatStage implements AsyncDisposable {
  readonly url: string
  readonly chats = new Map<string, StagedChat>()
  readonly requests: StageRequest[] = []
  /** Files by id: what is uploaded, and what tests put there. */
  readonly files = new Map<string, { readonly type: string; readonly body: Buffer }>()
  /** Answers that tests give instead of the usual ones, by `METHOD path-ending`; each is used once. */
  readonly answers = new Map<string, Answer>()
  readonly models: unknown[] = []
  readonly #upstream: URL
  readonly #server: Server
  readonly #sockets = new Map<string, Set<WebSocket>>()
  readonly #connections = new Set<Duplex>()
  #nextId = 100_000

  private constructor(server: Server, upstream: URL) {
    this.#server = server
    this.#upstream = upstream
    const { port } = server.address() as AddressInfo
    this.url = `http://127.0.0.1:${port}`
  }

  static async start(upstream: string): Promise<ChatStage> {
    const server = createServer()
    server.listen(0, '127.0.0.1')
    await once(server, 'listening')
    const stage = new ChatStage(server, new URL(upstream))
    const sockets = new WebSocketServer({ noServer: true })
    server.on('request', (incoming, response) => void stage.#answer(incoming, response))
    server.on('connection', (socket: Duplex) => {
      stage.#connections.add(socket)
      socket.on('close', () => stage.#connections.delete(socket))
    })
    server.on('upgrade', (incoming: IncomingMessage, socket: Duplex, head: Buffer) => {
      const url = new URL(incoming.url ?? '/', stage.url)
      const id = /^\/api\/experimental\/chats\/([\w-]+)\/stream$/.exec(url.pathname)?.[1]
      const staged = id === undefined ? undefined : stage.chats.get(id)
      if (id !== undefined && staged !== undefined)
        sockets.handleUpgrade(incoming, socket, head, (opened) => stage.#open(id, staged, opened, url))
      else if (url.pathname === `${BASE}/watch`)
        sockets.handleUpgrade(incoming, socket, head, () => undefined)
      else stage.#tunnel(incoming, socket, head)
    })
    return stage
  }

  /** Sends a frame to everybody who follows the chat, and keeps what the server would keep. */
  emit(id: string, events: readonly Omit<ChatStreamEvent, 'chat_id'>[]): void {
    const staged = this.chats.get(id)
    for (const event of events) {
      if (staged === undefined) break
      if (event.type === 'message' && event.message !== undefined)
        staged.messages = [...staged.messages.filter((one) => one.id !== event.message?.id), event.message]
      if (event.type === 'status' && event.status !== undefined)
        staged.chat = { ...staged.chat, status: event.status.status }
      if (event.type === 'queue_update') staged.queue = event.queued_messages ?? []
    }
    const frame = JSON.stringify(events.map((event) => ({ ...event, chat_id: id })))
    for (const socket of this.#sockets.get(id) ?? []) socket.send(frame)
  }

  /** How many follow a chat now. */
  followers(id: string): number {
    return this.#sockets.get(id)?.size ?? 0
  }

  /** Cuts every stream of a chat; clients come back by themselves. */
  cut(id: string): void {
    for (const socket of this.#sockets.get(id) ?? []) socket.terminate()
  }

  /** A number for a new message. */
  nextId(): number {
    return this.#nextId++
  }

  async [Symbol.asyncDispose](): Promise<void> {
    const closed = once(this.#server, 'close')
    this.#server.close()
    // Upgraded ones are no longer the server's own.
    for (const socket of this.#connections) socket.destroy()
    await closed
  }

  #open(id: string, staged: StagedChat, socket: WebSocket, url: URL): void {
    const all = this.#sockets.get(id) ?? new Set()
    this.#sockets.set(id, all.add(socket))
    socket.on('close', () => all.delete(socket))
    const after = Number(url.searchParams.get('after_id') ?? 0)
    const events: ChatStreamEvent[] = [
      ...staged.messages
        .filter((message) => message.id > after)
        .map((message) => ({ type: 'message' as const, chat_id: id, message })),
      { type: 'queue_update', chat_id: id, queued_messages: staged.queue },
      { type: 'status', chat_id: id, status: { status: staged.chat.status } },
      ...(staged.chat.last_error === undefined
        ? []
        : [{ type: 'error' as const, chat_id: id, error: staged.chat.last_error }]),
      { type: 'preview_reset', chat_id: id },
      ...staged.opening.map((event) => ({ ...event, chat_id: id })),
    ]
    socket.send(JSON.stringify(events))
  }

  async #answer(incoming: IncomingMessage, response: ServerResponse): Promise<void> {
    const url = new URL(incoming.url ?? '/', this.url)
    if (!url.pathname.startsWith(BASE)) {
      this.#pass(incoming, response)
      return
    }
    const chunks: Buffer[] = []
    for await (const chunk of incoming) chunks.push(Buffer.from(chunk))
    const raw = Buffer.concat(chunks)
    const method = incoming.method ?? 'GET'
    const rest = url.pathname.slice(BASE.length)
    const file = /^\/files\/([\w-]+)$/.exec(rest)?.[1]
    const kept = file === undefined ? undefined : this.files.get(file)
    if (method === 'GET' && kept !== undefined) {
      response.writeHead(200, { 'Content-Type': kept.type }).end(kept.body)
      return
    }
    const body = json(raw)
    if (method !== 'GET') this.requests.push({ method, path: rest, body })
    const own = [...this.answers].find(
      ([key]) => `${method} ${rest}`.endsWith(key) || key === `${method} ${rest}`,
    )
    if (own !== undefined) this.answers.delete(own[0])
    const answer =
      own?.[1] ?? this.#usual(method, rest, url, body, { raw, type: incoming.headers['content-type'] ?? '' })
    response.writeHead(answer.status, { 'Content-Type': 'application/json' })
    response.end(answer.body === undefined ? undefined : JSON.stringify(answer.body))
  }

  #usual(
    method: string,
    path: string,
    url: URL,
    body: unknown,
    upload: { readonly raw: Buffer; readonly type: string },
  ): Answer {
    if (path === '/models')
      return { status: 200, body: { providers: this.models, unsupported_providers: [] } }
    if (path === '/model-configs') return { status: 200, body: this.models.flatMap(configsOf) }
    if (path === '/config/user-personal-model-overrides')
      return { status: 404, body: { message: 'Not found.' } }
    if (path === '' || path === '/')
      return { status: 200, body: [...this.chats.values()].map(({ chat }) => chat) }
    if (path === '/files' && method === 'POST') {
      const id = uuid(this.nextId())
      this.files.set(id, { type: upload.type, body: upload.raw })
      return { status: 201, body: { id } }
    }
    const [, id = '', part, message, verb] = path.split('/')
    const staged = this.chats.get(id)
    if (staged === undefined)
      return { status: 404, body: { message: 'Resource not found or you do not have access.' } }
    switch (`${method} ${part ?? ''}${verb === undefined ? '' : `/${verb}`}`) {
      case 'GET ':
        return { status: 200, body: staged.chat }
      case 'PATCH ':
        staged.chat = { ...staged.chat, ...(typeof body === 'object' ? body : {}) }
        return { status: 204 }
      case 'GET messages':
        return { status: 200, body: page(staged, url) }
      case 'GET prompts':
        return {
          status: 200,
          body: {
            prompts: staged.messages
              .filter(({ role }) => role === 'user')
              .toReversed()
              .map((one) => ({ id: one.id, text: one.content[0]?.text ?? '' })),
          },
        }
      case 'POST messages':
        return this.#send(staged, body)
      case 'PATCH messages':
        return this.#edit(staged, Number(message), body)
      case 'DELETE queue':
        this.emit(id, [
          { type: 'queue_update', queued_messages: staged.queue.filter((one) => one.id !== Number(message)) },
        ])
        return { status: 204 }
      case 'POST queue/promote':
        return { status: 202, body: {} }
      case 'POST interrupt':
        this.emit(id, [{ type: 'status', status: { status: 'interrupting' } }])
        return { status: 200, body: staged.chat }
      case 'POST retry-now':
        return { status: 204 }
      default:
        return { status: 200, body: staged.chat }
    }
  }

  #send(staged: StagedChat, body: unknown): Answer {
    const content = contentOf(body)
    const id = this.nextId()
    const { chat } = staged
    const created_at = new Date().toISOString()
    if (chat.status !== 'waiting' && chat.status !== 'error') {
      const queued: ChatQueuedMessage = { id, chat_id: chat.id, content, created_at }
      this.emit(chat.id, [{ type: 'queue_update', queued_messages: [...staged.queue, queued] }])
      return { status: 200, body: { queued: true, queued_message: queued } }
    }
    const message: ChatMessage = {
      id,
      chat_id: chat.id,
      role: 'user',
      content,
      created_at,
      created_by: chat.owner_id,
    }
    this.emit(chat.id, [
      { type: 'message', message },
      { type: 'status', status: { status: 'running' } },
      { type: 'preview_reset' },
    ])
    return { status: 200, body: { queued: false, message, messages: [message] } }
  }

  #edit(staged: StagedChat, id: number, body: unknown): Answer {
    const kept = staged.messages.filter((one) => one.id < id)
    const gone = staged.messages.filter((one) => one.id >= id)
    const message: ChatMessage = {
      id: this.nextId(),
      chat_id: staged.chat.id,
      role: 'user',
      content: contentOf(body),
      created_at: new Date().toISOString(),
    }
    staged.messages = []
    this.emit(staged.chat.id, [
      { type: 'history_reset' },
      ...[...kept, message].map((one) => ({ type: 'message' as const, message: one })),
      { type: 'queue_update', queued_messages: [] },
      { type: 'status', status: { status: 'running' } },
      { type: 'preview_reset' },
    ])
    return {
      status: 200,
      body: { message, messages: [message], deleted_message_ids: gone.map((one) => one.id) },
    }
  }

  #pass(incoming: IncomingMessage, response: ServerResponse): void {
    const { host, hostname, port } = this.#upstream
    const headers = { ...incoming.headers, host, ...this.#origin(incoming) }
    const outgoing = request(
      { hostname, port, path: incoming.url, method: incoming.method, headers },
      (answer) => {
        response.writeHead(answer.statusCode ?? 502, answer.headers)
        answer.pipe(response)
      },
    )
    outgoing.on('error', () => response.destroy())
    incoming.pipe(outgoing)
  }

  #tunnel(incoming: IncomingMessage, socket: Duplex, head: Buffer): void {
    const { host, hostname, port } = this.#upstream
    const upstream = connect(Number(port), hostname, () => {
      const headers = { ...incoming.headers, host, ...this.#origin(incoming) }
      const lines = Object.entries(headers).flatMap(([name, value]) =>
        value === undefined ? [] : [value].flat().map((one) => `${name}: ${one}`),
      )
      upstream.write(`${incoming.method} ${incoming.url} HTTP/1.1\r\n${lines.join('\r\n')}\r\n\r\n`)
      upstream.write(head)
      upstream.pipe(socket)
      socket.pipe(upstream)
    })
    upstream.on('error', () => socket.destroy())
    socket.on('error', () => upstream.destroy())
  }

  #origin({ headers }: IncomingMessage): { readonly origin?: string } {
    return headers.origin === undefined ? {} : { origin: this.#upstream.origin }
  }
}

function page({ messages, queue }: StagedChat, url: URL) {
  const before = Number(url.searchParams.get('before_id') ?? Number.POSITIVE_INFINITY)
  const limit = Number(url.searchParams.get('limit') ?? PAGE)
  const older = messages.filter(({ id }) => id < before)
  return {
    messages: older.slice(-limit).toReversed(),
    queued_messages: queue,
    has_more: older.length > limit,
  }
}

function configsOf(provider: unknown): unknown[] {
  return typeof provider === 'object' &&
    provider !== null &&
    'configs' in provider &&
    Array.isArray(provider.configs)
    ? provider.configs
    : []
}

function contentOf(body: unknown): ChatMessage['content'] {
  const given: { readonly content?: ChatMessage['content'] } =
    typeof body === 'object' && body !== null ? body : {}
  return (given.content ?? []).map((part) =>
    part.type === 'file' ? { ...part, media_type: 'text/plain', name: 'notes.txt' } : part,
  )
}

function json(raw: Buffer): unknown {
  try {
    return JSON.parse(raw.toString())
  } catch {
    return undefined
  }
}

/** An id that looks like one and tells its number. */
export function uuid(number: number): string {
  return `00000000-0000-4000-8000-${String(number).padStart(12, '0')}`
}
