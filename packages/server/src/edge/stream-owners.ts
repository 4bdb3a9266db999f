import { labelled } from '../profile-labels/index.ts'
import type { Precheck } from './precheck.ts'

/** Well within the 5 s that a stream may outlive its key (ID-215). */
const SWEEP_MS = 2_000
/** Users whose keys have changed lately: more than change while a request lasts. */
const MAX_TOLD = 10_000

/** Knows how long keys are good. */
export interface KeyJudge {
  /** Until when a key holds as far as is known, in Unix milliseconds; what has passed for one that does not. Must not reject. */
  readonly holdsUntil: (keyId: string) => Promise<number>
  /** The time in Unix milliseconds. */
  readonly now: () => number
}

interface OwnedStream {
  readonly keyId: string
  /** From when on its key must be looked at again, in Unix milliseconds. */
  holdsUntil: number
  readonly end: () => void
}

/**
 * Knows with which key each stream was opened, and ends those whose key has ended (ID-215, RB-137): at once when a change
 * is told, and within a few seconds when its time or that of the session behind it has come.
 */
export class StreamOwners implements Disposable {
  /** Streams by the user who opened them with a key, so that the end of that key is theirs too. */
  readonly #byUser = new Map<string, Set<OwnedStream>>()
  /** When keys of a user were last told to be worth less, for streams of requests that had begun by then. */
  readonly #toldOf = new Map<string, number>()
  #toldOfAll = Number.NEGATIVE_INFINITY
  #judge: KeyJudge | undefined
  readonly #timer: NodeJS.Timeout
  #sweep: Promise<void> | undefined

  constructor(sweepMs = SWEEP_MS) {
    this.#timer = setInterval(() => {
      this.#sweep ??= labelled('rights-watch', () => this.#endDue()).finally(() => {
        this.#sweep = undefined
      })
    }, sweepMs).unref()
  }

  /** Says how to find out how long a key is good; until then all of them are. */
  judgeKeys(judge: KeyJudge): void {
    this.#judge = judge
  }

  /** Whether a user, or everybody, was told of an ended key since that moment of the monotonic clock. */
  toldSince(tick: number, userId: string): boolean {
    return tick <= Math.max(this.#toldOfAll, this.#toldOf.get(userId) ?? 0)
  }

  /** Remembers who opened a stream until it closes. A key that was ended since its request began opens none. */
  own(
    startedTick: number,
    precheck: Precheck,
    carrier: { on(event: 'close', listener: () => void): unknown },
    end: () => void,
  ): void {
    if (!precheck.ok) return
    const { id } = precheck.owner
    const stream = { keyId: precheck.key.id, holdsUntil: precheck.key.holdsUntil, end }
    const own = this.#byUser.get(id) ?? new Set()
    this.#byUser.set(id, own.add(stream))
    carrier.on('close', () => {
      own.delete(stream)
      if (own.size === 0 && this.#byUser.get(id) === own) this.#byUser.delete(id)
    })
    if (this.toldSince(startedTick, id)) void this.#endUnlessLive([stream])
  }

  /** Ends the streams of a user, or of everybody, whose keys are not good any more (ID-215). */
  async endStale(userId: string | undefined): Promise<void> {
    if (userId === undefined) this.#toldOfAll = performance.now()
    else this.#noteTold(userId)
    const streams = userId === undefined ? [...this.#byUser.values()] : [this.#byUser.get(userId) ?? []]
    await this.#endUnlessLive(streams.flatMap((own) => [...own]))
  }

  #noteTold(userId: string): void {
    this.#toldOf.delete(userId)
    this.#toldOf.set(userId, performance.now())
    const [oldest] = this.#toldOf.keys()
    if (this.#toldOf.size > MAX_TOLD && oldest !== undefined) this.#toldOf.delete(oldest)
  }

  /** Looks again at keys whose time has come: a session may have been extended meanwhile. */
  async #endDue(): Promise<void> {
    if (this.#judge === undefined) return
    const now = this.#judge.now()
    const due: OwnedStream[] = []
    for (const own of this.#byUser.values())
      for (const stream of own) if (stream.holdsUntil <= now) due.push(stream)
    await this.#endUnlessLive(due)
  }

  async #endUnlessLive(streams: readonly OwnedStream[]): Promise<void> {
    const judge = this.#judge
    if (judge === undefined) return
    await Promise.all(
      [...new Set(streams.map((stream) => stream.keyId))].map(async (keyId) => {
        const holdsUntil = await judge.holdsUntil(keyId)
        const ended = holdsUntil <= judge.now()
        for (const stream of streams) {
          if (stream.keyId !== keyId) continue
          stream.holdsUntil = holdsUntil
          if (ended) stream.end()
        }
      }),
    )
  }

  [Symbol.dispose](): void {
    clearInterval(this.#timer)
  }
}
