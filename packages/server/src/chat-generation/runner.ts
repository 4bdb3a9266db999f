import { describeError } from '@slipway/request-log'
import { type ChatRow, changeChat, FencedOff } from '../chats/index.ts'
import { ApiError } from '../errors/index.ts'
import { labelled } from '../profile-labels/index.ts'
import { poolOf } from './capacity.ts'
import { CHATD } from './chatd.ts'
import type { GenerationParts } from './parts.ts'
import { faultDelay } from './retry.ts'
import { Run } from './run.ts'
import { step } from './step.ts'
import { findChat } from './store/history.ts'
import type { ChatVersions, Pool } from './store/leases.ts'

/** Why a step was ended from outside. */
class Superseded extends Error {
  override readonly name = 'Superseded'
}

/** A step that is under way, with what it believes. */
interface Current {
  readonly row: ChatRow
  readonly stop: AbortController
  readonly superseded: Promise<void>
  readonly supersede: () => void
}

/**
 * Carries one chat on for as long as this replica has it: step by step, each decided from what is stored. A change from
 * outside ends the step that is under way at once, without waiting for it (CH-605).
 */
export class ChatRunner {
  readonly chatId: string
  readonly runnerId: string
  readonly pool: Pool
  /** Settled when the chat needs nothing more from this replica. */
  readonly done: Promise<void>
  readonly #run: Run
  readonly #parts: GenerationParts
  readonly #stopping = new AbortController()
  readonly #left = new Set<Promise<void>>()
  #current: Current | undefined
  #latest: ChatVersions | undefined
  #lost = false

  /** @param chat as this run has taken it; `attempt` was noted with that. */
  constructor(
    parts: GenerationParts,
    chat: ChatRow,
    { runnerId, attempt }: { readonly runnerId: string; readonly attempt: number | undefined },
  ) {
    this.chatId = chat.id
    this.runnerId = runnerId
    this.pool = poolOf(chat)
    this.#parts = parts
    this.#run = new Run(parts, chat, { runnerId, attempt })
    this.done = labelled('chat-generation', () => this.#drive(chat))
  }

  /** Takes the versions of a change; older ones, and those of this run's own commits, change nothing. */
  notify(versions: ChatVersions): void {
    if (versions.snapshot_version >= (this.#latest?.snapshot_version ?? 0)) this.#latest = versions
    const { row } = this.#current ?? {}
    if (row === undefined || versions.snapshot_version <= row.snapshot_version) return
    const changed =
      versions.runner_id !== this.runnerId ||
      versions.archived ||
      versions.status !== row.status ||
      versions.history_version !== row.history_version ||
      (this.#run.waiting && versions.retry_state_version !== row.retry_state_version)
    if (changed) this.#current?.supersede()
  }

  /** The chat is gone, or somebody else's. */
  lose(): void {
    this.#lost = true
    this.#current?.supersede()
  }

  /**
   * Ends the run and gives the chat back, so that another replica goes on at once (B-17): it does not wait until what is
   * under way here has ended, which commits nothing any more.
   */
  async release(): Promise<void> {
    this.#stopping.abort(new Superseded('the server stops'))
    this.#current?.supersede()
    await Promise.all([this.done, this.#giveBack()])
  }

  async #giveBack(): Promise<void> {
    if (this.#lost) return
    try {
      await changeChat(this.#parts.context, CHATD, this.chatId, async (chat) => {
        if (chat.row.runner_id !== this.runnerId) throw new FencedOff('the chat is somebody else’s')
        chat.abandon()
      })
    } catch (error) {
      if (error instanceof FencedOff || error instanceof ApiError) return
      // The lease ends by itself.
      this.#parts.context.log.info('a chat could not be given back', {
        chat_id: this.chatId,
        error: describeError(error),
      })
    }
  }

  async #drive(chat: ChatRow): Promise<void> {
    const { signal } = this.#stopping
    let row: ChatRow | undefined = chat
    let failures = 0
    try {
      while (!signal.aborted && !this.#lost) {
        try {
          row ??= await findChat(CHATD, this.#parts.context.database.db, this.chatId)
          if (row === undefined || row.archived || row.runner_id !== this.runnerId) {
            this.#lost = true
            break
          }
          await this.#step(row)
          failures = 0
        } catch (error) {
          if (signal.aborted) break
          if (!(error instanceof FencedOff || error instanceof Superseded)) {
            this.#parts.context.log.warn('a step of a chat failed and is done again', {
              chat_id: this.chatId,
              failures: failures + 1,
              error: describeError(error),
            })
            await this.#parts.timings.pause(faultDelay(failures), signal).catch(() => undefined)
            failures += 1
          }
        }
        row = undefined
      }
    } finally {
      await Promise.all(this.#left)
      await this.#run[Symbol.asyncDispose]().catch((error: unknown) =>
        this.#parts.context.log.info('tools of a chat could not be closed', { error: describeError(error) }),
      )
    }
  }

  /** Work that goes on beside the next step, and ends before the run does. */
  #leave(work: Promise<unknown>): void {
    const settled = work
      .then(() => undefined)
      .catch(() => undefined)
      .finally(() => this.#left.delete(settled))
    this.#left.add(settled)
  }

  /** One step; ends when it is done, or at once when it is superseded. */
  async #step(row: ChatRow): Promise<void> {
    const stop = new AbortController()
    const { promise: superseded, resolve } = Promise.withResolvers<void>()
    const supersede = (): void => {
      stop.abort(new Superseded('the chat has changed'))
      resolve()
    }
    this.#current = { row, stop, superseded, supersede }
    if (this.#stopping.signal.aborted || this.#lost) supersede()
    // It may have come while the row was being read.
    else if (this.#latest !== undefined) this.notify(this.#latest)
    const work = step(this.#run, row, stop.signal)
    this.#leave(work)
    await Promise.race([work, superseded])
    if (stop.signal.aborted) this.#leave(this.#run.closeTools())
  }
}
