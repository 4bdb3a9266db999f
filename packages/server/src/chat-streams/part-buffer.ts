import { Counter, Gauge, type Registry } from 'prom-client'

import type { ChatMessagePart, ChatMessageRole } from '@slipway/contract'

/** One run of the model for one state of a chat's history (CH-705). */
export interface Episode {
  readonly chatId: string
  readonly historyVersion: number
  readonly attempt: number
}

/** Whether both are the same run of the model. */
export function sameEpisode(a: Episode, b: Episode): boolean {
  return a.chatId === b.chatId && a.historyVersion === b.historyVersion && a.attempt === b.attempt
}

/** Bytes of the parts of one episode that are kept; what comes after is dropped (CH-910). */
const EPISODE_BYTES = 1024 * 1024
/** How long the parts of an ended episode stay for those who come late, in milliseconds. */
const KEPT_MS = 15_000
/** Episodes of which only the end is known. */
const MAX_EPISODES = 20_000

/** Where the model's parts go while it answers. */
export interface EpisodeWriter {
  /** Adds a part; readers get it at once. Does nothing after the end. */
  append(role: ChatMessageRole, part: ChatMessagePart): void
  /** Ends the episode; what it holds stays for a while. */
  close(): void
}

/** Follows the parts of an episode from the first on; one that is not there yet is waited for. */
export interface EpisodeReader extends Disposable {
  /**
   * Events as JSON that this reader has not had, at most so many; an empty array when there are none now.
   *
   * @param most how many at a time.
   */
  take(most: number): readonly string[]
  /** Whether the episode has ended and everything was taken. */
  readonly done: boolean
}

interface Kept {
  readonly episode: Episode
  readonly events: string[]
  readonly readers: Set<() => void>
  bytes: number
  closed: boolean
  /** Whether somebody writes, or has written. */
  opened: boolean
  /** Whether those who come late have had their time. */
  expired: boolean
}

/**
 * The parts of answers that are under way on this replica, in memory (CH-910). Each is written as JSON once, however many
 * clients read it.
 */
export class PartBuffer implements Disposable {
  readonly #episodes = new Map<string, Kept>()
  readonly #timers = new Set<NodeJS.Timeout>()
  readonly #dropped: Counter

  constructor(metrics: Registry) {
    this.#dropped = new Counter({
      name: 'coderd_chatd_stream_buffer_dropped_total',
      help: 'Parts of answers that were not kept for readers, because their episode was too large.',
      registers: [metrics],
    })
    const episodes = this.#episodes
    new Gauge({
      name: 'coderd_chatd_stream_buffer_open_episodes',
      help: 'Answers that are under way on this replica, whose parts are kept for readers.',
      registers: [metrics],
      collect() {
        this.set([...episodes.values()].filter((kept) => kept.opened && !kept.closed).length)
      },
    })
  }

  /** Begins an episode. @throws Error when it was begun before. */
  open(episode: Episode): EpisodeWriter {
    const kept = this.#kept(episode)
    if (kept.opened || kept.closed) throw new Error(`the episode ${keyOf(episode)} was begun already`)
    kept.opened = true
    return {
      append: (role, part) =>
        this.#append(
          kept,
          JSON.stringify({
            type: 'message_part',
            chat_id: episode.chatId,
            message_part: {
              role,
              history_version: episode.historyVersion,
              generation_attempt: episode.attempt,
              seq: kept.events.length + 1,
              part,
            },
          }),
        ),
      close: () => this.close(episode),
    }
  }

  /** Adds what another replica has sent of an episode, whose number is the next one; others are not taken. */
  relay(episode: Episode, seq: number, event: string): boolean {
    const kept = this.#kept(episode)
    if (seq !== kept.events.length + 1) return seq <= kept.events.length
    this.#append(kept, event)
    return true
  }

  /** Ends an episode; one that never began is remembered as ended, so that nobody waits for it (CH-910). */
  close(episode: Episode): void {
    const kept = this.#kept(episode)
    if (kept.closed) return
    kept.closed = true
    const timer = setTimeout(() => {
      this.#timers.delete(timer)
      kept.expired = true
      this.#forget(episode)
    }, KEPT_MS).unref()
    this.#timers.add(timer)
    this.#tell(kept)
  }

  /** @param wake is called when there is something new to take, or the end. */
  read(episode: Episode, wake: () => void): EpisodeReader {
    const kept = this.#kept(episode)
    kept.readers.add(wake)
    let next = 0
    return {
      take: (most) => {
        const events = kept.events.slice(next, next + most)
        next += events.length
        return events
      },
      get done() {
        return kept.closed && next >= kept.events.length
      },
      [Symbol.dispose]: () => {
        kept.readers.delete(wake)
        this.#forget(episode)
      },
    }
  }

  #append(kept: Kept, event: string): void {
    if (kept.closed) return
    const bytes = Buffer.byteLength(event)
    if (kept.bytes + bytes > EPISODE_BYTES) {
      // Everything after it too: a gap would look like a fault to readers.
      kept.bytes = EPISODE_BYTES
      this.#dropped.inc()
      return
    }
    kept.bytes += bytes
    kept.events.push(event)
    this.#tell(kept)
  }

  #tell(kept: Kept): void {
    for (const wake of kept.readers) wake()
  }

  #kept(episode: Episode): Kept {
    const key = keyOf(episode)
    let kept = this.#episodes.get(key)
    if (kept === undefined) {
      kept = {
        episode,
        events: [],
        readers: new Set(),
        bytes: 0,
        closed: false,
        opened: false,
        expired: false,
      }
      this.#episodes.set(key, kept)
      this.#makeRoom()
    }
    return kept
  }

  /** Drops the oldest that nobody writes or reads. */
  #makeRoom(): void {
    if (this.#episodes.size <= MAX_EPISODES) return
    for (const [key, kept] of this.#episodes) {
      if (kept.readers.size > 0 || (kept.opened && !kept.closed)) continue
      this.#episodes.delete(key)
      if (this.#episodes.size <= MAX_EPISODES) return
    }
  }

  /** Drops an episode that nobody writes or reads, and whose time is over. */
  #forget(episode: Episode): void {
    const kept = this.#episodes.get(keyOf(episode))
    if (kept === undefined || kept.readers.size > 0) return
    if (kept.expired || !(kept.opened || kept.closed)) this.#episodes.delete(keyOf(episode))
  }

  [Symbol.dispose](): void {
    for (const timer of this.#timers) clearTimeout(timer)
    this.#timers.clear()
    this.#episodes.clear()
  }
}

function keyOf({ chatId, historyVersion, attempt }: Episode): string {
  return `${chatId} ${historyVersion} ${attempt}`
}
