import type { OpenTools } from '../chat-tools/index.ts'
import {
  type ChatRow,
  changeChat,
  type Fence,
  FencedOff,
  type LockedChat,
  type MessageRow,
} from '../chats/index.ts'
import type { Db } from '../context.ts'
import { ApiError, isDatabaseFault } from '../errors/index.ts'
import { CHATD } from './chatd.ts'
import { type History, historyOf } from './history.ts'
import type { Answer } from './model/answer.ts'
import type { GenerationParts } from './parts.ts'
import { faultDelay } from './retry.ts'
import { listModelMessages } from './store/history.ts'

/** An answer that is under way, for the case that it is interrupted (CH-710). */
export interface PartialAnswer {
  /** Of the history that it answers. */
  readonly historyVersion: number
  readonly answer: Answer
  /** When its stream began, in milliseconds of `performance.now()`. */
  readonly startedAt: number
  readonly modelConfigId: string
}

/** What the steps of one run share: who it is, what it has read, and what it has open. */
export class Run implements AsyncDisposable {
  readonly parts: GenerationParts
  readonly chatId: string
  readonly runnerId: string
  partial: PartialAnswer | undefined
  /** Whether the run waits for its next try, which a user may ask it not to do (B-6). */
  waiting = false
  /** Whether the next step carries out what the model has called, as far as this run knows. */
  callsTools = false
  #noted: { readonly historyVersion: number; readonly attempt: number } | undefined
  #known: { readonly version: number; readonly rows: readonly MessageRow[] } | undefined
  #tools: { readonly open: Promise<OpenTools>; readonly signal: AbortController } | undefined

  /** @param chat as it was taken; `attempt` was noted with that, so that its first token comes sooner (CH-705). */
  constructor(
    parts: GenerationParts,
    chat: ChatRow,
    { runnerId, attempt }: { readonly runnerId: string; readonly attempt: number | undefined },
  ) {
    this.parts = parts
    this.chatId = chat.id
    this.runnerId = runnerId
    this.#noted = attempt === undefined ? undefined : { historyVersion: chat.history_version, attempt }
  }

  /** The attempt that was noted when the chat was taken, once and only for that history; undefined without one. */
  takeAttempt(row: ChatRow): number | undefined {
    const noted = this.#noted
    this.#noted = undefined
    return noted?.historyVersion === row.history_version ? noted.attempt : undefined
  }

  /** B-6: tries have failed, and nothing says when the next one is to be: a user has ended the wait. */
  isRetryWished({ generation_attempt, retry_state, history_version }: ChatRow): boolean {
    const notFailed = this.#noted?.historyVersion === history_version ? 1 : 0
    return generation_attempt > notFailed && retry_state === null
  }

  /** What the model sees of the chat as it is in this row. */
  async history(row: ChatRow): Promise<History> {
    if (this.#known?.version !== row.history_version) {
      const rows = await listModelMessages(CHATD, this.parts.context.database.db, row)
      this.#known = { version: row.history_version, rows }
    }
    return historyOf(this.#known.rows)
  }

  /** The tools of this pass, opened if they are not yet (CH-1401). */
  tools(row: ChatRow): Promise<OpenTools> {
    if (this.#tools === undefined) {
      // They outlive the step that opens them: the next one carries out what the model has called.
      const signal = new AbortController()
      const open = this.parts.openTools({ chat: row, signal: signal.signal })
      open.catch(() => {
        if (this.#tools?.open === open) this.#tools = undefined
      })
      this.#tools = { open, signal }
    }
    return this.#tools.open
  }

  /** Ends the tools, so that the next pass opens them again. */
  async closeTools(): Promise<void> {
    const tools = this.#tools
    if (tools === undefined) return
    this.#tools = undefined
    tools.signal.abort(new Error('the pass is over'))
    const open = await tools.open.catch(() => undefined)
    await open?.[Symbol.asyncDispose]()
  }

  /**
   * Commits what a step has made. While the database is away it is tried again, so that nothing is lost (CH-606).
   *
   * @throws FencedOff when the chat is not as the row says any more; the reason of the signal.
   */
  async commit<T>(
    row: ChatRow,
    signal: AbortSignal,
    work: (chat: LockedChat, tx: Db) => Promise<T>,
  ): Promise<{ readonly result: T; readonly chat: ChatRow }> {
    for (let failures = 0; ; failures += 1) {
      let locked: LockedChat | undefined
      try {
        const result = await changeChat(
          this.parts.context,
          CHATD,
          this.chatId,
          (chat, tx) => {
            locked = chat
            return work(chat, tx)
          },
          this.#fence(row),
        )
        if (locked === undefined) throw new Error('a chat was changed without being locked')
        return { result, chat: locked.row }
      } catch (error) {
        // Archived in mid-run, or gone: nothing is left to do for this run.
        if (error instanceof ApiError && error.status < 500) throw new FencedOff(error.message)
        if (!isDatabaseFault(error)) throw error
        await this.parts.timings.pause(faultDelay(failures), signal)
      }
    }
  }

  /** Adds committed messages to what is known, so that they need not be read again. */
  remember(chat: ChatRow, rows: readonly MessageRow[]): void {
    const before = this.#known
    this.#known =
      before === undefined ? undefined : { version: chat.history_version, rows: [...before.rows, ...rows] }
  }

  /** Reads the history again next time. */
  forget(): void {
    this.#known = undefined
  }

  #fence(row: ChatRow): Fence {
    return { runnerId: this.runnerId, status: row.status, historyVersion: row.history_version }
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.closeTools()
  }
}
