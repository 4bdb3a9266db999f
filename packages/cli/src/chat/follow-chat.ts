import { setTimeout as wait } from 'node:timers/promises'

import type { WebSocket } from 'ws'

import { type ChatStreamEvent, streamChat } from '@slipway/contract'
import type { Connection } from '../connection.ts'
import { CommandError } from '../errors.ts'
import { patiently } from '../patience.ts'
import { openWebSocket } from '../web-socket.ts'

const AGAIN_MS = 250
const REFUSED = 1008

/** Takes events in their order. `true` ends the following. */
type TakeEvents = (events: readonly ChatStreamEvent[]) => boolean | Promise<boolean>

interface FollowOptions {
  /** Messages up to this one are not wanted. */
  readonly afterId?: number
  readonly signal?: AbortSignal
}

/**
 * Follows a chat: what it is now, then what happens in it, until the taker has enough or the signal says so. Comes back
 * after a lost connection behind the last message it has (CH-905); what the taker has not taken yet is not read from the
 * network.
 *
 * @throws ApiFailure when the chat may not be read, ConnectionFailure when the server stays away, and what the taker does.
 */
export async function followChat(
  client: Connection,
  chat: string,
  take: TakeEvents,
  { afterId = 0, signal }: FollowOptions = {},
): Promise<void> {
  let last = afterId
  const noting: TakeEvents = (events) => {
    for (const { type, message } of events) {
      if (type === 'history_reset') last = 0
      if (message !== undefined) last = Math.max(last, message.id)
    }
    return take(events)
  }
  for (;;) {
    const address = client.address(streamChat, {
      params: { chat },
      query: last === 0 ? {} : { after_id: String(last) },
    })
    const socket = await patiently(() => openWebSocket(client, address), {
      ...(signal === undefined ? {} : { signal }),
    }).catch((error: unknown) => {
      if (signal?.aborted === true) return undefined
      throw error
    })
    if (socket === undefined) return
    const ended = await takeAll(socket, noting, signal)
    if (ended.enough || signal?.aborted === true) return
    if (ended.code === REFUSED) throw new CommandError(ended.reason || 'the chat may not be read any more')
    await wait(AGAIN_MS)
  }
}

interface Ended {
  readonly enough: boolean
  readonly code: number
  readonly reason: string
}

async function takeAll(socket: WebSocket, take: TakeEvents, signal: AbortSignal | undefined): Promise<Ended> {
  const stop = (): void => socket.terminate()
  let [taking, enough, waiting] = [Promise.resolve(), false, 0]
  let failed: { readonly error: unknown } | undefined
  const takeFrame = async (text: string): Promise<void> => {
    if (enough || failed !== undefined || signal?.aborted === true) return
    try {
      const events: readonly ChatStreamEvent[] = JSON.parse(text)
      enough = await take(events)
    } catch (error) {
      failed = { error }
    }
    if (enough || failed !== undefined) stop()
  }
  try {
    const [code, reason] = await new Promise<readonly [number, string]>((resolve) => {
      signal?.addEventListener('abort', stop, { once: true })
      if (signal?.aborted === true) stop()
      socket.on('message', (data) => {
        socket.pause()
        waiting += 1
        taking = taking
          .then(() => takeFrame(String(data)))
          .then(() => {
            waiting -= 1
            if (waiting === 0) socket.resume()
          })
      })
      socket.on('close', (status, text) => resolve([status, text.toString()]))
    })
    await taking
    if (failed !== undefined) throw failed.error
    return { enough, code, reason }
  } finally {
    signal?.removeEventListener('abort', stop)
  }
}
