import type { WebSocket } from 'ws'

import * as contract from '@slipway/contract'
import { describeError } from '@slipway/request-log'
import type { Actor } from '../authz/index.ts'
import { getReadableChat } from '../chats/index.ts'
import { type BoundRoute, forAnyone, forSession, type OpenStreams } from '../edge/index.ts'
import { ApiError, badRequest, notFound } from '../errors/index.ts'
import { WatchingActor } from '../identity/index.ts'
import { RELAY_TOKEN_HEADER, RelayTokens } from '../replicas/index.ts'
import { ChatEvents, type SyncOutcome } from './chat-events.ts'
import { ChatSubscription, followChat, type StreamParts, TRY_AGAIN_MS } from './follow-chat.ts'
import { eventSocket, eventStreamSink, type FrameSink, frameSocket } from './frame-sink.ts'
import { relaySubject } from './part-relays.ts'
import { serveParts } from './serve-parts.ts'
import { WatchedChanges, watchChats } from './watch-chats.ts'

/** Streams of chats: one chat, its parts, and what happens to all of the caller's. */
export function chatStreamRoutes(parts: StreamParts, streams: OpenStreams): BoundRoute[] {
  const { context, hub, buffer } = parts
  const tokens = new RelayTokens(context.secrets.relayKey)

  /** What a stream begins with is read before it is opened, so that refusals are answers (CH-9.1). */
  const begin = async (
    actor: Actor,
    chatId: string,
    afterId: number,
    open: () => Promise<FrameSink>,
  ): Promise<void> => {
    const events = new ChatEvents(context.database, chatId, afterId)
    using subscription = new ChatSubscription()
    using _listening = hub.listen(chatId, {
      touch: subscription.touch,
      version: () => events.snapshotVersion,
    })
    const first: SyncOutcome | undefined = await events.sync(actor)
    if (first === undefined) throw new Error('the first look at a chat must find it')
    await followChat(parts, actor, events, first, subscription, await open())
  }

  return [
    forSession(contract.streamChat, async ({ actor, params, query, raw, reply, upgrade }) => {
      const sse = !streams.isUpgrade(raw) && (raw.headers.accept ?? '').includes('text/event-stream')
      const resumed = sse ? raw.headers['last-event-id'] : undefined
      const afterId = positiveId(typeof resumed === 'string' ? resumed : query.after_id)
      await begin(actor, params.chat ?? '', afterId, async () => {
        if (!sse) return frameSocket(deaf(await upgrade()))
        reply.hijack()
        reply.raw.writeHead(200, {
          ...headersOf(reply.getHeaders()),
          'Content-Type': 'text/event-stream',
          'Cache-Control': 'no-cache',
          'X-Accel-Buffering': 'no',
        })
        reply.raw.flushHeaders()
        streams.adoptAnswer(raw, reply.raw)
        return eventStreamSink(reply.raw)
      })
      return undefined
    }),
    forSession(contract.streamChatParts, async ({ actor, params, upgrade }) => {
      const { db } = context.database
      const { chat } = await getReadableChat(actor, db, params.chat ?? '')
      using subscription = new ChatSubscription()
      using watching = new WatchingActor(context, actor, subscription.touch)
      using _listening = hub.listen(chat.id, {
        touch: subscription.touch,
        version: () => Number.POSITIVE_INFINITY,
      })
      await serveParts(buffer, chat.id, await upgrade(), subscription, async () => {
        try {
          await getReadableChat(await watching.current(), db, chat.id)
          return true
        } catch (error) {
          if (error instanceof ApiError && error.status < 500) return false
          context.log.warn('a chat that is streamed could not be read', { error: describeError(error) })
          subscription.touchLater(TRY_AGAIN_MS)
          return true
        }
      })
      return undefined
    }),
    forAnyone(contract.relayChatParts, async ({ params, raw, upgrade }) => {
      const chatId = params.chat ?? ''
      const token = raw.headers[RELAY_TOKEN_HEADER]
      if (typeof token !== 'string' || !(await tokens.verify(relaySubject(chatId), token))) throw notFound()
      using subscription = new ChatSubscription()
      await serveParts(buffer, chatId, await upgrade(), subscription)
      return undefined
    }),
    forSession(contract.watchChats, async ({ actor, upgrade }) => {
      using subscription = new ChatSubscription()
      // Before the client knows that it watches (CH-1002).
      using changes = new WatchedChanges(context, actor.id, subscription.wake)
      await watchChats(context, actor, eventSocket(deaf(await upgrade())), subscription, changes)
      return undefined
    }),
  ]
}

/** Clients have nothing to say on these streams. */
function deaf(socket: WebSocket): WebSocket {
  socket.on('message', () => undefined)
  return socket
}

function headersOf(headers: Readonly<Record<string, unknown>>): Record<string, string> {
  return Object.fromEntries(
    Object.entries(headers).flatMap(([name, value]) => (value === undefined ? [] : [[name, String(value)]])),
  )
}

/** @throws ApiError 400 for what is no id. */
function positiveId(text: string | undefined): number {
  if (text === undefined || text === '') return 0
  const id = Number(text)
  if (!/^\d{1,16}$/.test(text) || !Number.isSafeInteger(id))
    throw badRequest('Invalid after_id parameter.', {
      validations: [{ field: 'after_id', detail: 'must be the id of a message' }],
    })
  return id
}
