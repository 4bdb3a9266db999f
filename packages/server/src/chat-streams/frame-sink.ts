import type { ServerResponse } from 'node:http'

import type { WebSocket } from 'ws'

/** Events in one frame at most (CH-9.1). */
export const FRAME_EVENTS = 256
/** Characters after which a frame is full, so that slow clients take each in time. */
const FRAME_CHARACTERS = 64 * 1024
/** Pause between signs of life on an event stream, in milliseconds (B-12). */
const KEEP_ALIVE_MS = 15_000
/** A client that takes nothing for so long is cut off, in milliseconds (CH-910). */
const STALLED_MS = 10_000

/** Where the frames of a stream go; one is sent when the one before it has left. */
export interface FrameSink {
  /**
   * Sends events, as JSON each.
   *
   * @param lastMessageId id of the last message that the client has afterwards, for streams that carry it.
   * @returns when the connection has taken them; at once when it is over.
   */
  send(events: readonly string[], lastMessageId?: number): Promise<void>
  close(code: number, reason: string): void
  /** Aborted when the connection is over, whoever ended it. */
  readonly closed: AbortSignal
}

/** The same events in frames that are not too large. */
export function framesOf(events: readonly string[]): readonly (readonly string[])[] {
  const frames: string[][] = []
  let size = 0
  for (const event of events) {
    const last = frames.at(-1)
    if (last === undefined || last.length === FRAME_EVENTS || size + event.length > FRAME_CHARACTERS) {
      frames.push([event])
      size = event.length
    } else {
      last.push(event)
      size += event.length
    }
  }
  return frames
}

/**
 * Frames as JSON arrays in text messages (CH-9.1).
 *
 * @param stalledMs after which a client that takes nothing is cut off.
 */
export function frameSocket(socket: WebSocket, stalledMs = STALLED_MS): FrameSink {
  return socketSink(socket, (events) => sendText(socket, `[${events.join(',')}]`, stalledMs))
}

/** Each event as a text message of its own (CH-1001). */
export function eventSocket(socket: WebSocket): FrameSink {
  return socketSink(socket, async (events) => {
    for (const event of events) await sendText(socket, event, STALLED_MS)
  })
}

function socketSink(socket: WebSocket, send: FrameSink['send']): FrameSink {
  const ended = new AbortController()
  socket.once('close', () => ended.abort())
  if (socket.readyState === socket.CLOSED) ended.abort()
  return { send, close: (code, reason) => socket.close(code, reason), closed: ended.signal }
}

/** Resolves when the bytes have left this process, so that who reads slowly gets more with each message, but later. */
function sendText(socket: WebSocket, text: string, stalledMs: number): Promise<void> {
  return new Promise((resolve) => {
    if (socket.readyState !== socket.OPEN) return resolve()
    const stalled = setTimeout(() => socket.terminate(), stalledMs)
    // It is called for a connection that is lost, too.
    socket.send(text, () => {
      clearTimeout(stalled)
      resolve()
    })
  })
}

/** One server-sent event for each; `id` is that of the last message, so that a client may come back with it (B-12). */
export function eventStreamSink(response: ServerResponse): FrameSink {
  const ended = new AbortController()
  const alive = setInterval(() => response.write(': keep-alive\n\n'), KEEP_ALIVE_MS).unref()
  const end = (): void => {
    clearInterval(alive)
    ended.abort()
  }
  response.once('close', end)
  // The client may have left while the chat was read.
  if (response.closed || response.destroyed) end()
  return {
    send: async (events, lastMessageId) => {
      if (ended.signal.aborted) return
      const id = lastMessageId === undefined ? '' : `id: ${lastMessageId}\n`
      const text = events.map((event) => `${id}data: ${event}\n\n`).join('')
      if (response.write(text)) return
      await new Promise<void>((resolve) => {
        const stalled = setTimeout(() => response.destroy(), STALLED_MS)
        const done = (): void => {
          clearTimeout(stalled)
          response.off('drain', done)
          ended.signal.removeEventListener('abort', done)
          resolve()
        }
        response.once('drain', done)
        ended.signal.addEventListener('abort', done, { once: true })
      })
    },
    close: () => void response.end(),
    closed: ended.signal,
  }
}
