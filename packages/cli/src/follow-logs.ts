import { setTimeout as wait } from 'node:timers/promises'

import type { Connection } from './connection.ts'
import { patiently } from './patience.ts'
import { openWebSocket } from './web-socket.ts'

const AGAIN_MS = 250

/**
 * Hands on the lines of a log as they come, until it is over or the signal says so. Comes back after a lost
 * connection, and goes on behind the last line.
 *
 * @param address of the log, without `follow`
 * @throws ApiFailure when it may not be read, ConnectionFailure when the server stays away.
 */
export async function followLogs<Line extends { readonly id: number }>(
  client: Connection,
  address: string,
  onLine: (line: Line) => void,
  signal?: AbortSignal,
): Promise<void> {
  const url = new URL(address)
  url.searchParams.set('follow', 'true')
  for (;;) {
    const socket = await patiently(() => openWebSocket(client, url.href))
    const code = await new Promise<number>((resolve) => {
      const stop = (): void => socket.terminate()
      signal?.addEventListener('abort', stop, { once: true })
      if (signal?.aborted === true) stop()
      socket.on('message', (data) => {
        // Logs of builds come line by line, those of agents several lines at once.
        const said: Line | readonly Line[] = JSON.parse(String(data))
        for (const line of Array.isArray(said) ? said : [said]) {
          url.searchParams.set('after', String(line.id))
          onLine(line)
        }
      })
      socket.on('close', (status) => {
        signal?.removeEventListener('abort', stop)
        resolve(status)
      })
    })
    if (code === 1000 || signal?.aborted === true) return
    await wait(AGAIN_MS)
  }
}
