import { CoordinateResponse_PeerUpdate_Kind as Kind } from '@slipway/drpc'
import type { PeerUpdate } from './peer-update.ts'

/** Updates that a peer may leave unread before it is given up (AC-140). */
const MAX_WAITING = 512
/** Updates of one message (AC-140). */
const MAX_BATCH = 1_024

/** What a peer is told: in order, by batches, and not more of it than fits. */
export class Outbox {
  readonly #updates: PeerUpdate[] = []
  #error = ''
  #ended = false
  #wake: () => void = () => undefined

  /** @returns false when there is no room: the peer does not keep up. */
  add(update: PeerUpdate): boolean {
    if (this.#ended) return true
    // Only the last place of a peer is of use, and nobody fills up the queue of another one by moving around.
    const before = this.#updates.findLastIndex(({ id }) => Buffer.compare(id, update.id) === 0)
    if (update.kind === Kind.NODE && this.#updates[before]?.kind === Kind.NODE) {
      this.#updates[before] = update
      return true
    }
    if (this.#updates.length >= MAX_WAITING) return false
    this.#updates.push(update)
    this.#wake()
    return true
  }

  /** Tells why a request was not carried out; the connection goes on. */
  complain(error: string): void {
    this.#error = error
    this.#wake()
  }

  /** Ends it behind what is there. */
  end(error = ''): void {
    if (error !== '') this.#error = error
    this.#ended = true
    this.#wake()
  }

  /** What is told, until the end of this or of who listens. */
  async *messages(signal: AbortSignal): AsyncGenerator<{ peerUpdates: PeerUpdate[]; error: string }> {
    const stop = (): void => this.#wake()
    signal.addEventListener('abort', stop, { once: true })
    try {
      while (!signal.aborted) {
        if (this.#updates.length > 0 || this.#error !== '') {
          const error = this.#error
          this.#error = ''
          yield { peerUpdates: this.#updates.splice(0, MAX_BATCH), error }
        } else if (this.#ended) return
        else
          await new Promise<void>((resolve) => {
            this.#wake = resolve
          })
      }
    } finally {
      signal.removeEventListener('abort', stop)
    }
  }
}
