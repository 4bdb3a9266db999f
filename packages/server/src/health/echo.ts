import type { RawData, WebSocket } from 'ws'

/** Subject of the proof that the health check shows, which may come to another replica than its own. */
export const ECHO_SUBJECT = 'health:websocket'

/** Longest message that is sent back, in bytes, and how much may wait for a slow reader. */
const MAX_MESSAGE = 32 * 1024
const MAX_BACKLOG = 256 * 1024
/** For how long an echo may be used, in milliseconds: it is there to try the way, not to be a way. */
const MAX_AGE_MS = 10 * 60_000

/** Sends every message back as it came, until the peer has had enough (OP-104). */
export function echo(socket: WebSocket): void {
  const old = setTimeout(
    () => socket.close(1000, 'the echo has been open for long enough'),
    MAX_AGE_MS,
  ).unref()
  socket.on('close', () => clearTimeout(old))
  socket.on('message', (data: RawData, isBinary: boolean) => {
    const bytes = bytesOf(data)
    if (bytes.length > MAX_MESSAGE) socket.close(1009, 'the message is too long')
    else if (socket.bufferedAmount > MAX_BACKLOG) socket.terminate()
    else socket.send(bytes, { binary: isBinary })
  })
}

/** What a message holds, in whichever form the library gives it. */
export function bytesOf(data: RawData): Buffer {
  if (Array.isArray(data)) return Buffer.concat(data)
  return data instanceof ArrayBuffer ? Buffer.from(data) : data
}
