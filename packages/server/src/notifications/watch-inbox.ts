import type { WebSocket } from 'ws'

import type { GetInboxNotificationResponse } from '@slipway/contract'
import { describeError } from '@slipway/request-log'
import type { Actor } from '../authz/index.ts'
import type { AppContext } from '../context.ts'
import { ApiError } from '../errors/index.ts'
import { WatchingActor } from '../identity/index.ts'
import { matches, presentInbox, type TextFormat } from './inbox.ts'
import { countUnread, getInboxNotification, type InboxFilter } from './store/inbox.ts'

/** Notifications that wait for a slow reader; further ones are left out, and are in the list (OP-136). */
const MAX_WAITING = 10

/** The new notifications of one user that are still to be told. */
export class NewNotifications implements Disposable {
  readonly #subscription: Disposable
  readonly #waiting: string[] = []
  #woken = Promise.withResolvers<void>()
  #missed = false

  /** Listens from now on. */
  constructor(context: Pick<AppContext, 'database'>, userId: string) {
    this.#subscription = context.database.feed.subscribe({
      kinds: new Set(['inbox_notification']),
      onEvent: ({ key, op, data }) => {
        if (key !== userId || op !== 'insert' || typeof data.id !== 'string') return
        if (this.#waiting.length < MAX_WAITING) this.#waiting.push(data.id)
        this.wake()
      },
      onReset: () => {
        this.#missed = true
        this.wake()
      },
    })
  }

  /** Whether some may have been missed. */
  get missed(): boolean {
    return this.#missed
  }

  readonly wake = (): void => this.#woken.resolve()

  next(): string | undefined {
    return this.#waiting.shift()
  }

  /** Resolves at the next change. */
  async woken(): Promise<void> {
    await this.#woken.promise
    this.#woken = Promise.withResolvers<void>()
  }

  [Symbol.dispose](): void {
    this.#subscription[Symbol.dispose]()
  }
}

/** Tells a user of each new notification as a JSON text, until the socket closes (OP-136). */
export async function watchInbox(
  context: AppContext,
  actor: Actor,
  socket: WebSocket,
  fresh: NewNotifications,
  wanted: { readonly filter: InboxFilter; readonly format: TextFormat },
): Promise<void> {
  const { db } = context.database
  using watching = new WatchingActor(context, actor, fresh.wake)
  socket.on('message', () => undefined)
  socket.once('close', fresh.wake)
  while (socket.readyState === socket.OPEN) {
    if (fresh.missed) return socket.close(1013, 'notifications were missed: read the list again')
    try {
      const reader = await watching.current()
      const id = fresh.next()
      if (id === undefined) {
        await fresh.woken()
        continue
      }
      const row = await getInboxNotification(reader, db, id)
      if (!matches(wanted.filter, row)) continue
      const message: GetInboxNotificationResponse = {
        notification: await presentInbox(row, wanted.format),
        unread_count: await countUnread(reader, db, reader.id),
      }
      await sent(socket, JSON.stringify(message))
    } catch (error) {
      if (error instanceof ApiError && error.status < 500) return socket.close(1008, error.message)
      context.log.warn('a notification could not be told', { error: describeError(error) })
      return socket.close(1011, 'a notification could not be read: read the list again')
    }
  }
}

/** Resolves when the text has left this process, or cannot any more. */
function sent(socket: WebSocket, text: string): Promise<void> {
  return new Promise((resolve) => {
    if (socket.readyState !== socket.OPEN) return resolve()
    socket.send(text, () => resolve())
  })
}
