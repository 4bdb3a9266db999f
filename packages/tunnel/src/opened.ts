import type { WebSocket } from 'ws'

/**
 * Waits until a WebSocket is open. The other end may speak at once, so the socket is held back until the code
 * that waited has had its turn to listen: a message without a listener would be lost.
 *
 * @throws Error when the connection was refused or failed, naming the status if there was one.
 */
export function opened(socket: WebSocket, signal?: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    const abort = (): void => {
      socket.terminate()
      reject(new Error('the connection was given up'))
    }
    signal?.addEventListener('abort', abort, { once: true })
    socket.once('open', () => {
      signal?.removeEventListener('abort', abort)
      holdBack(socket)
      resolve()
    })
    socket.once('unexpected-response', (_request, response) => {
      response.resume()
      reject(new Error(`the server answered ${response.statusCode ?? 0}`))
      socket.terminate()
    })
    // Also takes the errors that follow when a socket is given up; the first one counts.
    socket.on('error', reject)
  })
}

/** Lets no message through before the present turn of the event loop is over. */
export function holdBack(socket: WebSocket): void {
  socket.pause()
  setImmediate(() => socket.resume())
}
