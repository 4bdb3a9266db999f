import type { Actor } from '../../authz/index.ts'
import type { AppContext, Db } from '../../context.ts'
import { ApiError, conflict } from '../../errors/index.ts'
import { readParts, type ToolResultPart } from '../parts.ts'
import {
  type ChatChanges,
  type ChatRow,
  insertQueued,
  type NewQueuedMessage,
  type QueuedCount,
  type QueuedRow,
  takeQueued,
  updateLockedChat,
} from '../store/locked.ts'
import { insertMessages, type MessageRow, type NewMessage, openCalls } from '../store/messages.ts'
import { type Fence, FencedOff } from './fence.ts'
import { isPossible, isTransition, type Operation, type StateName, stateName } from './states.ts'

/** Messages that may wait in one chat (CH-130). */
export const QUEUE_LIMIT = 20

/** A message of a user, with the model that will answer it. */
export type UserMessage = NewQueuedMessage

/** Operations after which a wish for compaction is still there (CH-223). */
const KEEPS_COMPACTION: ReadonlySet<Operation> = new Set([
  'enqueue',
  'archive',
  'unarchive',
  'request-compaction',
])

/** Said of a call that was never answered and will not be any more. */
export const REASON_ENDED = 'The tool call was cancelled because the conversation went on without it.'

/** A chat whose row is locked: what all of its transitions are made of. */
export abstract class LockedRow {
  protected readonly clock: AppContext['clock']
  protected readonly actor: Actor
  protected readonly tx: Db
  #row: ChatRow
  /** How many messages wait. */
  protected waiting: number
  #changes: ChatChanges = {}

  protected constructor(clock: AppContext['clock'], actor: Actor, tx: Db, { chat, queued }: QueuedCount) {
    this.clock = clock
    this.actor = actor
    this.tx = tx
    this.#row = chat
    this.waiting = queued
  }

  /** The row as it will be. */
  get row(): ChatRow {
    return this.#row
  }

  /** How many messages wait. */
  get queued(): number {
    return this.waiting
  }

  /** The state; undefined for an invalid one. */
  get state(): StateName | undefined {
    return stateName({ status: this.#row.status, queued: this.waiting > 0, archived: this.#row.archived })
  }

  /** @throws FencedOff when this is not what the run believes. */
  requireOwner(fence: Fence): void {
    const { runner_id, status, history_version } = this.#row
    if (runner_id !== fence.runnerId || status !== fence.status || history_version !== fence.historyVersion)
      throw new FencedOff(`the run ${fence.runnerId} does not own the chat as it believes`)
  }

  /** The calls that the client has to answer, or that were left open (CH-1501). */
  openCalls(): ReturnType<typeof openCalls> {
    return openCalls(this.actor, this.tx, this.#row)
  }

  /** Writes what has changed; `changeChat` calls it at the end. */
  async store(): Promise<void> {
    if (Object.keys(this.#changes).length === 0) return
    this.#row = await updateLockedChat(this.actor, this.tx, this.#row, this.#changes)
    this.#changes = {}
  }

  /** @throws ApiError 409 when the chat does not take the operation now (CH-220). */
  protected begin(
    operation: Operation,
    refusal = 'Chat does not take this in its current state.',
  ): StateName {
    const from = this.state
    if (from === undefined) throw conflict('Chat is in an invalid state.')
    if (!isPossible(operation, from))
      throw conflict(refusal, {
        detail: `The chat is ${this.#row.archived ? 'archived' : this.#row.status}.`,
      })
    if (!KEEPS_COMPACTION.has(operation) && this.#row.compaction_requested_at !== null)
      this.set({ compaction_requested_at: null }, { touch: false })
    return from
  }

  /** @throws Error when the operation has led where it must not. */
  protected end(operation: Operation, from: StateName): void {
    const to = this.state
    if (to === undefined || !isTransition(operation, from, to))
      throw new Error(`${operation} must not lead from ${from} to ${to ?? 'an invalid state'}`)
  }

  /** @param options `touch` for what moves the chat up in lists. */
  protected set(changes: ChatChanges, { touch = true }: { readonly touch?: boolean } = {}): void {
    const all: ChatChanges = touch ? { ...changes, updated_at: this.clock.now() } : changes
    this.#changes = { ...this.#changes, ...all }
    // The row is read again when the changes are stored; until then it has what decides about transitions.
    this.#row = Object.assign({ ...this.#row }, all)
  }

  /** @throws ApiError 429 when the queue is full. */
  protected async addToQueue(message: UserMessage): Promise<QueuedRow> {
    if (this.waiting >= QUEUE_LIMIT)
      throw new ApiError(429, 'Message queue is full.', {
        detail: `At most ${QUEUE_LIMIT} messages may wait. Send again when one of them has been answered, or remove one.`,
      })
    const row = await insertQueued(this.actor, this.tx, this.#row, message)
    this.waiting += 1
    return row
  }

  /** The message that waits first, out of the queue. */
  protected async takeHead(): Promise<UserMessage> {
    const head = await takeQueued(this.actor, this.tx, this.#row)
    if (head === undefined) throw new Error('a queue that was counted is empty')
    this.waiting -= 1
    return {
      parts: readParts(head.content, 1),
      modelConfigId: head.model_config_id,
      reasoningEffort: head.reasoning_effort,
      createdBy: head.created_by,
    }
  }

  /** CH-221: history stays replayable. */
  protected async answerOpenCalls(
    reason: string,
    result: (reason: string) => ToolResultPart['result'] = (text) => text,
  ): Promise<readonly MessageRow[]> {
    const open = await openCalls(this.actor, this.tx, this.#row)
    return this.insert(
      open.map((call) =>
        toolMessage({
          type: 'tool-result',
          tool_call_id: call.tool_call_id,
          tool_name: call.tool_name,
          result: result(reason),
          is_error: true,
          created_at: this.clock.now().toISOString(),
        }),
      ),
    )
  }

  /** Appends messages; the model and effort of the last that has one are those of the chat. */
  protected async insert(messages: readonly NewMessage[]): Promise<readonly MessageRow[]> {
    const rows = await insertMessages(this.actor, this.tx, this.#row, messages)
    if (rows.length === 0) return rows
    const model = messages.findLast((message) => message.modelConfigId !== undefined)?.modelConfigId
    const effort = messages.findLast(
      (message) => typeof message.reasoningEffort === 'string',
    )?.reasoningEffort
    if (model !== undefined) this.set({ last_model_config_id: model }, { touch: false })
    if (typeof effort === 'string') this.set({ last_reasoning_effort: effort }, { touch: false })
    // As the triggers have derived them, for fences of what follows in this transaction.
    this.#row = Object.assign(
      { ...this.#row },
      { history_version: this.#row.snapshot_version, generation_attempt: 0 },
    )
    return rows
  }
}

/** The row that a message of a user is. */
export function userMessage(message: UserMessage): NewMessage {
  return {
    role: 'user',
    parts: message.parts,
    visibility: 'both',
    createdBy: message.createdBy,
    modelConfigId: message.modelConfigId,
    reasoningEffort: message.reasoningEffort,
  }
}

/** The row that a result of a tool is (CH-124). */
export function toolMessage(part: ToolResultPart): NewMessage {
  return { role: 'tool', parts: [part], visibility: 'both' }
}
