import type { WebSocket } from 'ws'

/** How a connection is watched, in milliseconds. */
export interface LivenessOptions {
  readonly everyMs?: number
}

/**
 * Cuts a connection whose other end has gone without saying so (half-open TCP): a ping must be answered
 * before the next one is due. Ends with the socket.
 */
export function watchLiveness(socket: WebSocket, options: LivenessOptions = {}): void {
  let answered = true
  const timer = setInterval(() => {
    if (!answered) {
      socket.terminate()
      return
    }
    answered = false
    socket.ping()
  }, options.everyMs ?? 10_000)
  socket.on('pong', () => {
    answered = true
  })
  // Bytes that arrive prove as much as a pong does, and on a busy link they come first.
  socket.on('message', () => {
    answered = true
  })
  socket.on('close', () => clearInterval(timer))
}
