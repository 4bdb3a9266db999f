import { randomUUID } from 'node:crypto'

import type { FastifyReply, FastifyRequest } from 'fastify'

import { describeError } from '@slipway/request-log'
import { systemActor } from '../authz/index.ts'
import type { AppContext } from '../context.ts'
import { ApiError } from '../errors/index.ts'
import type { EventStreams } from './event-streams.ts'
import type { SessionHub } from './session-hub.ts'
import { findStream, listMessages, type McpSessionRow } from './store.ts'

interface Parts {
  readonly context: AppContext
  readonly hub: SessionHub
  readonly streams: EventStreams
}

const actor = systemActor('system_oauth', 'a client comes back for what its call has sent')

/**
 * Goes on with the stream that has sent an event, behind that event, wherever the call runs; resolves when the client
 * has all of it or is gone.
 *
 * @returns whether there is such a stream.
 * @throws ApiError 429.
 */
export async function followStream(
  { context, hub, streams }: Parts,
  request: FastifyRequest,
  reply: FastifyReply,
  session: McpSessionRow,
  lastEventId: string,
): Promise<boolean> {
  const db = context.database.db
  const last = /^\d{1,15}$/.test(lastEventId) ? Number(lastEventId) : undefined
  const streamId = last === undefined ? undefined : await findStream(actor, db, session.id, last)
  if (last === undefined || streamId === undefined) return false
  let wake: () => void = () => undefined
  let dirty = true
  const touch = (): void => {
    dirty = true
    wake()
  }
  // Before the first look, so that nothing falls between the two.
  using followed = hub.follow(session.id, touch)
  if (followed === undefined) throw new ApiError(429, 'Too many streams of this session are open.')
  const stream = streams.begin(request, reply, touch)
  let after = last
  try {
    while (stream.open) {
      if (!dirty) {
        await new Promise<void>((resolve) => {
          wake = resolve
        })
        continue
      }
      dirty = false
      for (const row of await listMessages(actor, db, { sessionId: session.id, streamId, after })) {
        after = row.id
        if (row.message !== '') stream.send(row.message, row.id)
        if (row.is_last) stream.end()
      }
      if (stream.open && (await hub.find(session.user_id, session.id)) === undefined) stream.end()
    }
  } catch (error) {
    // The client comes back and goes on behind the last event that it got.
    context.log.warn('a stream of an MCP session could not go on', { error: describeError(error) })
    stream.end()
  }
  return true
}

/** Opens the stream on which a session hears of the resources that it has subscribed to. */
export async function listenForChanges(
  { context, hub, streams }: Parts,
  request: FastifyRequest,
  reply: FastifyReply,
  session: McpSessionRow,
  maySee: (uri: string) => Promise<boolean>,
): Promise<void> {
  let listening: Disposable | undefined
  const stream = streams.begin(request, reply, () => listening?.[Symbol.dispose]())
  const tell = async (uri: string): Promise<void> => {
    try {
      if (!(await maySee(uri))) return
      stream.send(
        JSON.stringify({ jsonrpc: '2.0', method: 'notifications/resources/updated', params: { uri } }),
      )
    } catch (error) {
      context.log.warn('a subscriber could not be told', { error: describeError(error) })
    }
  }
  try {
    listening = await hub.listen(session, {
      id: randomUUID(),
      changed: (uri) => void tell(uri),
      end: () => stream.end(),
    })
  } catch (error) {
    // The answer has begun: its client opens another one.
    context.log.warn('a session of an MCP client could not listen', { error: describeError(error) })
    stream.end()
    return
  }
  if (!stream.open) listening[Symbol.dispose]()
}
