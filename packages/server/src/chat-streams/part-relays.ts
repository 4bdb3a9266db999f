import { setTimeout as delay } from 'node:timers/promises'

import { WebSocket } from 'ws'

import * as contract from '@slipway/contract'
import { describeError } from '@slipway/request-log'
import { opened, watchLiveness } from '@slipway/tunnel'
import { systemActor } from '../authz/index.ts'
import type { AppContext } from '../context.ts'
import { RELAY_TOKEN_HEADER, RelayTokens, relayAddressOf } from '../replicas/index.ts'
import type { Episode, PartBuffer } from './part-buffer.ts'

const DIAL_MS = 5_000
/** More than all parts of an episode in one frame. */
const MAX_FRAME_BYTES = 4 * 1024 * 1024
const LEAST_DELAY_MS = 100
const MOST_DELAY_MS = 5_000

const reader = systemActor('provisionerd', 'which replica runs a chat, which no user may ask')

/** What a token for the parts of a chat is for. */
export function relaySubject(chatId: string): string {
  return `chat:${chatId}`
}

/**
 * Brings parts of chats that other replicas run into the buffer of this one: one connection for each such chat that
 * somebody follows here (CH-912). When it is lost, only previews are.
 */
export class PartRelays implements AsyncDisposable {
  readonly #context: Pick<AppContext, 'database' | 'log' | 'replicaId' | 'secrets'>
  readonly #buffer: PartBuffer
  readonly #tokens: RelayTokens
  readonly #relays = new Map<string, PartRelay>()

  constructor(context: Pick<AppContext, 'database' | 'log' | 'replicaId' | 'secrets'>, buffer: PartBuffer) {
    this.#context = context
    this.#buffer = buffer
    this.#tokens = new RelayTokens(context.secrets.relayKey)
  }

  /** Keeps the parts of an episode coming while they are followed; nothing to do for one of this replica. */
  follow(episode: Episode, workerId: string | null): Disposable | undefined {
    if (workerId === null || workerId === this.#context.replicaId) return undefined
    const key = `${episode.chatId} ${workerId}`
    let relay = this.#relays.get(key)
    if (relay === undefined) {
      relay = new PartRelay({
        dial: (signal) => this.#dial(episode.chatId, workerId, signal),
        take: (taken, seq, event) => this.#buffer.relay(taken, seq, event),
        failed: (error) =>
          this.#context.log.debug('parts of a chat could not be had from its replica', {
            chat_id: episode.chatId,
            error: describeError(error),
          }),
        chatId: episode.chatId,
      })
      this.#relays.set(key, relay)
    }
    const kept = relay
    kept.follow(episode)
    return {
      [Symbol.dispose]: () => {
        if (kept.leave()) return
        this.#relays.delete(key)
        void kept[Symbol.asyncDispose]()
      },
    }
  }

  /** @throws Error when the replica is gone or does not answer. */
  async #dial(chatId: string, workerId: string, signal: AbortSignal): Promise<WebSocket> {
    const address = await relayAddressOf(reader, this.#context.database.db, workerId)
    if (address === undefined) throw new Error('the replica is not there any more')
    const path = contract.relayChatParts.path.replace('{chat}', chatId)
    const socket = new WebSocket(`${address.replace(/^http/, 'ws')}${path}`, {
      headers: { [RELAY_TOKEN_HEADER]: await this.#tokens.sign(relaySubject(chatId)) },
      handshakeTimeout: DIAL_MS,
      perMessageDeflate: false,
      maxPayload: MAX_FRAME_BYTES,
    })
    const cut = (): void => socket.terminate()
    signal.addEventListener('abort', cut, { once: true })
    socket.once('close', () => signal.removeEventListener('abort', cut))
    await opened(socket)
    watchLiveness(socket)
    return socket
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.all([...this.#relays.values()].map((relay) => relay[Symbol.asyncDispose]()))
    this.#relays.clear()
  }
}

interface RelayOptions {
  readonly chatId: string
  readonly dial: (signal: AbortSignal) => Promise<WebSocket>
  readonly take: (episode: Episode, seq: number, event: string) => boolean
  readonly failed: (error: unknown) => void
}

/** The connection to the replica that runs one chat, dialled again for as long as somebody follows. */
class PartRelay implements AsyncDisposable {
  readonly #options: RelayOptions
  readonly #ended = new AbortController()
  readonly #running: Promise<void>
  #followers = 0
  #episode: Episode | undefined
  #socket: WebSocket | undefined

  constructor(options: RelayOptions) {
    this.#options = options
    this.#running = this.#run()
  }

  follow(episode: Episode): void {
    this.#followers += 1
    // One who has read the chat later knows better.
    if (this.#episode !== undefined && !isLater(episode, this.#episode)) return
    this.#episode = episode
    this.#ask()
  }

  /** One follower less; whether there are others. */
  leave(): boolean {
    this.#followers -= 1
    return this.#followers > 0
  }

  #ask(): void {
    if (this.#episode === undefined || this.#socket?.readyState !== WebSocket.OPEN) return
    const { historyVersion, attempt } = this.#episode
    this.#socket.send(JSON.stringify({ history_version: historyVersion, generation_attempt: attempt }))
  }

  async #run(): Promise<void> {
    const { signal } = this.#ended
    for (let pause = LEAST_DELAY_MS; !signal.aborted; pause = Math.min(pause * 2, MOST_DELAY_MS)) {
      try {
        this.#socket = await this.#options.dial(signal)
        pause = LEAST_DELAY_MS
        this.#ask()
        await this.#read(this.#socket)
      } catch (error) {
        this.#options.failed(error)
      } finally {
        this.#socket?.terminate()
        this.#socket = undefined
      }
      await delay(pause, undefined, { signal }).catch(() => undefined)
    }
  }

  #read(socket: WebSocket): Promise<void> {
    return new Promise((resolve) => {
      socket.once('close', () => resolve())
      socket.on('message', (data) => {
        const events = eventsOf(String(data))
        // Another version of the program may speak otherwise.
        if (events === undefined) return socket.terminate()
        for (const event of events) {
          const { history_version, generation_attempt, seq } = event.message_part
          const episode = {
            chatId: this.#options.chatId,
            historyVersion: history_version,
            attempt: generation_attempt,
          }
          // A gap cannot be mended: a new connection begins with the first part.
          if (!this.#options.take(episode, seq, JSON.stringify(event))) socket.terminate()
        }
      })
    })
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#ended.abort()
    this.#socket?.terminate()
    await this.#running
  }
}

type PartEvent = contract.ChatStreamEvent & { readonly message_part: contract.ChatStreamMessagePart }

function isLater(a: Episode, b: Episode): boolean {
  return a.historyVersion === b.historyVersion ? a.attempt > b.attempt : a.historyVersion > b.historyVersion
}

/** What a replica of this deployment sends, other events left out; undefined for what is no frame. */
function eventsOf(frame: string): PartEvent[] | undefined {
  try {
    const parsed: unknown = JSON.parse(frame)
    return Array.isArray(parsed)
      ? parsed.filter((event): event is PartEvent => isPartEvent(event))
      : undefined
  } catch {
    return undefined
  }
}

function isPartEvent(event: unknown): event is PartEvent {
  if (typeof event !== 'object' || event === null || !('message_part' in event)) return false
  const part = event.message_part
  return typeof part === 'object' && part !== null && 'seq' in part && typeof part.seq === 'number'
}
