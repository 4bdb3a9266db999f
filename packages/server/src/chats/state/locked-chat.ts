import type { ChatError, ChatStreamRetry } from '@slipway/contract'
import type { Actor } from '../../authz/index.ts'
import type { AppContext, Db } from '../../context.ts'
import { ApiError, badRequest, conflict, notFound } from '../../errors/index.ts'
import { type Part, readParts, type ToolResultPart } from '../parts.ts'
import {
  type ChatChanges,
  type ChatRow,
  clearQueue,
  insertQueued,
  lockChat,
  moveQueuedToHead,
  type NewQueuedMessage,
  type QueuedRow,
  takeQueued,
  updateLockedChat,
} from '../store/locked.ts'
import {
  appendParts,
  deleteMessagesFrom,
  findMessage,
  insertMessages,
  type MessageRow,
  type NewMessage,
  openCalls,
} from '../store/messages.ts'
import { isPossible, isTransition, type Operation, type StateName, stateName } from './states.ts'

/** Messages that may wait in one chat (CH-130). */
export const QUEUE_LIMIT = 20
/** How long a client may take for the tools that it carries out (CH-213). */
export const ACTION_DEADLINE_MS = 5 * 60_000

/** What a run believed about its chat when it began the work that it now wants to commit (CH-606). */
export interface Fence {
  readonly runnerId: string
  readonly status: ChatRow['status']
  readonly historyVersion: number
}

/** Thrown to a run that the chat does not belong to any more, or that has missed a change: it ends without a trace. */
export class FencedOff extends Error {
  override readonly name = 'FencedOff'
}

/** A message of a user, with the model that will answer it. */
export type UserMessage = NewQueuedMessage

/** Operations after which a wish for compaction is still there (CH-223). */
const KEEPS_COMPACTION: ReadonlySet<Operation> = new Set([
  'enqueue',
  'archive',
  'unarchive',
  'request-compaction',
])

/** A call that was never answered and will not be any more. */
const REASON_ENDED = 'The tool call was cancelled because the conversation went on without it.'

/**
 * Changes the execution of a chat: what `work` does to it commits together, with one new snapshot version (CH-107). The
 * transaction may run again, so that `work` must have no effect outside of it.
 *
 * @throws ApiError 404 when the chat is absent or may not be changed, 409 for what it does not take now; FencedOff.
 */
export function changeChat<T>(
  context: Pick<AppContext, 'database' | 'clock'>,
  actor: Actor,
  id: string,
  work: (chat: LockedChat, tx: Db) => Promise<T>,
  fence?: Fence,
): Promise<T> {
  return context.database.transaction(async (tx) => {
    const chat = await LockedChat.lock(context, actor, tx, id)
    if (fence !== undefined) chat.requireOwner(fence)
    const result = await work(chat, tx)
    await chat.store()
    return result
  })
}

/** A chat whose row is locked; its methods are the transitions of CH-§2. */
export class LockedChat {
  readonly #clock: AppContext['clock']
  readonly #actor: Actor
  readonly #tx: Db
  #row: ChatRow
  #queued: number
  #changes: ChatChanges = {}

  private constructor(clock: AppContext['clock'], actor: Actor, tx: Db, row: ChatRow, queued: number) {
    this.#clock = clock
    this.#actor = actor
    this.#tx = tx
    this.#row = row
    this.#queued = queued
  }

  /** @throws ApiError 404 when the chat is absent or may not be changed. */
  static async lock(
    context: Pick<AppContext, 'clock'>,
    actor: Actor,
    tx: Db,
    id: string,
  ): Promise<LockedChat> {
    const { chat, queued } = await lockChat(actor, tx, id)
    return new LockedChat(context.clock, actor, tx, chat, queued)
  }

  /** The row as it will be. */
  get row(): ChatRow {
    return this.#row
  }

  /** How many messages wait. */
  get queued(): number {
    return this.#queued
  }

  /** The state; undefined for an invalid one. */
  get state(): StateName | undefined {
    return stateName({ status: this.#row.status, queued: this.#queued > 0, archived: this.#row.archived })
  }

  /** @throws FencedOff when this is not what the run believes. */
  requireOwner(fence: Fence): void {
    const { runner_id, status, history_version } = this.#row
    if (runner_id !== fence.runnerId || status !== fence.status || history_version !== fence.historyVersion)
      throw new FencedOff(`the run ${fence.runnerId} does not own the chat as it believes`)
  }

  /**
   * CH-202: a message for a chat that does nothing. Gives all rows that entered the conversation, in order, and the
   * message as it waits where others came before it.
   *
   * @throws ApiError 429 when others wait and the queue is full.
   */
  async sendIdle(
    message: UserMessage,
  ): Promise<{ readonly messages: readonly MessageRow[]; readonly queued: QueuedRow | undefined }> {
    const from = this.#begin('send-idle')
    const cancelled = await this.#answerOpenCalls(REASON_ENDED)
    const queued = this.#queued > 0 ? await this.#enqueue(message) : undefined
    const next = queued === undefined ? message : await this.#takeHead()
    const inserted = await this.#insert([userMessage(next)])
    this.#set({ status: 'running', last_error: null })
    this.#end('send-idle', from)
    return { messages: [...cancelled, ...inserted], queued }
  }

  /** CH-203: the turn is over; the head of the queue begins the next one. */
  async finishTurn(): Promise<readonly MessageRow[]> {
    const from = this.#begin('finish-turn')
    const rows = await this.#goOnOrWait()
    this.#end('finish-turn', from)
    return rows
  }

  /** CH-204. @throws ApiError 429 when the queue is full. */
  async enqueue(message: UserMessage): Promise<QueuedRow> {
    const from = this.#begin('enqueue')
    const row = await this.#enqueue(message)
    this.#end('enqueue', from)
    return row
  }

  /** CH-205: queues the message and ends what the chat does. @throws ApiError 429 when the queue is full. */
  async sendInterrupt(
    message: UserMessage,
  ): Promise<{ readonly queued: QueuedRow; readonly messages: readonly MessageRow[] }> {
    const from = this.#begin('send-interrupt')
    const queued = await this.#enqueue(message)
    const messages = await this.#stopRun('The tool call was cancelled because the user sent a new message.')
    this.#end('send-interrupt', from)
    return { queued, messages }
  }

  /**
   * CH-206: another text in place of a message of a user; what came after it goes, and so does the queue.
   *
   * @param id of the message.
   * @param replace makes the new message of the old one.
   * @throws ApiError 404 without such a message, 400 when it is not a user's.
   */
  async edit(
    id: number,
    replace: (old: MessageRow) => Promise<UserMessage>,
  ): Promise<{ readonly messages: readonly MessageRow[]; readonly deleted: readonly number[] }> {
    const from = this.#begin('edit')
    const old = await findMessage(this.#actor, this.#tx, this.#row, id)
    if (old === undefined || old.visibility === 'model') throw notFound()
    if (old.role !== 'user') throw badRequest('Only messages of users can be edited.')
    const message = await replace(old)
    const deleted = await deleteMessagesFrom(this.#actor, this.#tx, this.#row, id)
    if (this.#queued > 0) await clearQueue(this.#actor, this.#tx, this.#row)
    this.#queued = 0
    const cancelled = await this.#answerOpenCalls(REASON_ENDED)
    const inserted = await this.#insert([userMessage(message)])
    this.#set({ status: 'running', last_error: null, requires_action_deadline_at: null })
    this.#end('edit', from)
    return { messages: [...cancelled, ...inserted], deleted }
  }

  /** CH-207: ends what the chat does; the queue stays. @throws ApiError 409 when it does nothing. */
  async interrupt(): Promise<readonly MessageRow[]> {
    const from = this.#begin('interrupt', 'Chat is not in an interruptible state.')
    const messages = await this.#stopRun('The tool call was cancelled by the user.')
    this.#end('interrupt', from)
    return messages
  }

  /** CH-208, CH-710: keeps what had come of the answer, with an error for each call that got none. */
  async finishInterruption(partial: readonly NewMessage[]): Promise<readonly MessageRow[]> {
    const from = this.#begin('finish-interruption')
    const kept = await this.#insert(partial)
    const cancelled = await this.#answerOpenCalls(
      'tool call was interrupted before it produced a result',
      (reason) => ({ error: reason }),
    )
    const next = await this.#goOnOrWait()
    this.#set({ last_turn_summary: null })
    this.#end('finish-interruption', from)
    return [...kept, ...cancelled, ...next]
  }

  /** CH-209: what a step of the run has made. */
  async commitStep(messages: readonly NewMessage[]): Promise<readonly MessageRow[]> {
    const from = this.#begin('commit-step')
    const rows = await this.#insert(messages)
    this.#end('commit-step', from)
    return rows
  }

  /** CH-124: adds what tools have made to the message that called them. */
  async addParts(messageId: number, parts: readonly Part[]): Promise<void> {
    const from = this.#begin('commit-step')
    await appendParts(this.#actor, this.#tx, this.#row, messageId, parts)
    this.#end('commit-step', from)
  }

  /** CH-210: the turn has failed; the queue stays as it is. */
  fail(error: ChatError): void {
    const from = this.#begin('fail')
    this.#set({
      status: 'error',
      last_error: JSON.stringify(error),
      last_turn_summary: null,
      worker_id: null,
      runner_id: null,
    })
    this.#end('fail', from)
  }

  /** CH-211. @throws ApiError 404 without such a message. */
  async deleteQueued(id: number): Promise<void> {
    const from = this.#begin('delete-queued')
    if ((await takeQueued(this.#actor, this.#tx, this.#row, id)) === undefined) throw notFound()
    this.#queued -= 1
    this.#end('delete-queued', from)
  }

  /** CH-212: a waiting message next: at once where nothing runs, else as soon as the run has ended. @throws ApiError 404. */
  async promoteQueued(id: number): Promise<readonly MessageRow[]> {
    const from = this.#begin('promote-queued')
    if (!(await moveQueuedToHead(this.#actor, this.#tx, this.#row, id))) throw notFound()
    const rows: MessageRow[] = []
    if (this.#row.status === 'running' || this.#row.status === 'interrupting') {
      this.#set({ status: 'interrupting' })
    } else {
      rows.push(...(await this.#answerOpenCalls(REASON_ENDED)))
      rows.push(...(await this.#insert([userMessage(await this.#takeHead())])))
      this.#set({ status: 'running', last_error: null, requires_action_deadline_at: null })
    }
    this.#end('promote-queued', from)
    return rows
  }

  /** CH-213: the client has to carry out tools, within five minutes. */
  requireAction(): void {
    const from = this.#begin('require-action')
    this.#set({
      status: 'requires_action',
      requires_action_deadline_at: new Date(this.#clock.now().getTime() + ACTION_DEADLINE_MS),
    })
    this.#end('require-action', from)
  }

  /** The calls that the client has to answer, or that were left open (CH-1501). */
  openCalls(): ReturnType<typeof openCalls> {
    return openCalls(this.#actor, this.#tx, this.#row)
  }

  /** CH-213: the results of the client. */
  async completeAction(results: readonly ToolResultPart[]): Promise<readonly MessageRow[]> {
    const from = this.#begin('complete-action')
    const rows = await this.#insert(results.map((part) => toolMessage(part)))
    this.#set({ status: 'running', requires_action_deadline_at: null })
    this.#end('complete-action', from)
    return rows
  }

  /** CH-213: the client did not answer in time. */
  async cancelAction(reason: string): Promise<readonly MessageRow[]> {
    const from = this.#begin('cancel-action')
    const rows = await this.#answerOpenCalls(reason)
    this.#set({ status: 'running', requires_action_deadline_at: null })
    this.#end('cancel-action', from)
    return rows
  }

  /** CH-214. */
  archive(): void {
    const from = this.#begin('archive')
    this.#set({ archived: true, archived_at: this.#clock.now(), pin_order: 0 }, { touch: false })
    this.#end('archive', from)
  }

  /** CH-214. */
  unarchive(): void {
    const from = this.#begin('unarchive')
    this.#set({ archived: false, archived_at: null }, { touch: false })
    this.#end('unarchive', from)
  }

  /** CH-215: the next run makes a summary of the conversation and nothing else. */
  requestCompaction(): void {
    const from = this.#begin('request-compaction')
    this.#set({
      status: 'running',
      last_error: null,
      compaction_requested_at: this.#clock.now(),
      generation_attempt: 0,
      history_version: this.#row.snapshot_version,
      worker_id: null,
      runner_id: null,
    })
    this.#end('request-compaction', from)
  }

  /** CH-216: out of a state that no chat may be in. @throws ApiError 409 for a valid one. */
  async reconcile(error: ChatError): Promise<void> {
    if (this.state !== undefined) throw conflict('Chat is not in an invalid state.')
    await this.#answerOpenCalls(REASON_ENDED)
    this.#set({
      status: 'error',
      archived: false,
      archived_at: null,
      last_error: JSON.stringify(error),
      requires_action_deadline_at: null,
      compaction_requested_at: null,
      worker_id: null,
      runner_id: null,
    })
  }

  /** What a message of the owner chooses for all that follow it (CH-431). */
  configure(choice: { readonly planMode?: 'plan' | null; readonly mcpServerIds?: readonly string[] }): void {
    const { planMode, mcpServerIds } = choice
    if (planMode !== undefined) this.#set({ plan_mode: planMode }, { touch: false })
    if (mcpServerIds !== undefined) this.#set({ mcp_server_ids: [...mcpServerIds] }, { touch: false })
  }

  /** CH-217, CH-604: a run takes the chat. Nobody sees a difference. */
  acquire(workerId: string, runnerId: string): void {
    this.#set({ worker_id: workerId, runner_id: runnerId }, { touch: false })
  }

  /** CH-217: the run lets the chat go as it is. */
  abandon(): void {
    this.#set({ worker_id: null, runner_id: null }, { touch: false })
  }

  /** CH-705: the model is about to be called once more for this history. */
  noteAttempt(): number {
    const attempt = this.#row.generation_attempt + 1
    this.#set({ generation_attempt: attempt, retry_state: null }, { touch: false })
    return attempt
  }

  /** CH-721: when and why the model is called again. */
  noteRetry(retry: ChatStreamRetry): void {
    this.#set({ retry_state: JSON.stringify(retry) }, { touch: false })
  }

  /** B-6: whoever waits for the next call of the model sees that the wait is over. @throws ApiError 409 when nobody does. */
  retryNow(): void {
    if (this.state === undefined) throw conflict('Chat is in an invalid state.')
    if (this.#row.status !== 'running' || this.#row.retry_state === null)
      throw conflict('Chat does not wait to try again.')
    this.#set({ retry_state: null }, { touch: false })
  }

  /** Writes what has changed; `changeChat` calls it at the end. */
  async store(): Promise<void> {
    if (Object.keys(this.#changes).length === 0) return
    this.#row = await updateLockedChat(this.#actor, this.#tx, this.#row, this.#changes)
    this.#changes = {}
  }

  /** @throws ApiError 409 when the chat does not take the operation now (CH-220). */
  #begin(operation: Operation, refusal = 'Chat does not take this in its current state.'): StateName {
    const from = this.state
    if (from === undefined) throw conflict('Chat is in an invalid state.')
    if (!isPossible(operation, from))
      throw conflict(refusal, {
        detail: `The chat is ${this.#row.archived ? 'archived' : this.#row.status}.`,
      })
    if (!KEEPS_COMPACTION.has(operation) && this.#row.compaction_requested_at !== null)
      this.#set({ compaction_requested_at: null }, { touch: false })
    return from
  }

  #end(operation: Operation, from: StateName): void {
    const to = this.state
    if (to === undefined || !isTransition(operation, from, to))
      throw new Error(`${operation} must not lead from ${from} to ${to ?? 'an invalid state'}`)
  }

  /** @param options `touch` for what moves the chat up in lists. */
  #set(changes: ChatChanges, { touch = true }: { readonly touch?: boolean } = {}): void {
    const all: ChatChanges = touch ? { ...changes, updated_at: this.#clock.now() } : changes
    this.#changes = { ...this.#changes, ...all }
    // The row is read again when the changes are stored; until then it has what decides about transitions.
    this.#row = Object.assign({ ...this.#row }, all)
  }

  async #enqueue(message: UserMessage): Promise<QueuedRow> {
    if (this.#queued >= QUEUE_LIMIT)
      throw new ApiError(429, 'Message queue is full.', {
        detail: `At most ${QUEUE_LIMIT} messages may wait. Send again when one of them has been answered, or remove one.`,
      })
    const row = await insertQueued(this.#actor, this.#tx, this.#row, message)
    this.#queued += 1
    return row
  }

  async #takeHead(): Promise<UserMessage> {
    const head = await takeQueued(this.#actor, this.#tx, this.#row)
    if (head === undefined) throw new Error('a queue that was counted is empty')
    this.#queued -= 1
    return {
      parts: readParts(head.content, 1),
      modelConfigId: head.model_config_id,
      reasoningEffort: head.reasoning_effort,
      createdBy: head.created_by,
    }
  }

  /** The head of the queue begins the next turn; without one the chat waits, and nobody owns it. */
  async #goOnOrWait(): Promise<readonly MessageRow[]> {
    if (this.#queued > 0) {
      const cancelled = await this.#answerOpenCalls(REASON_ENDED)
      const rows = await this.#insert([userMessage(await this.#takeHead())])
      this.#set({ status: 'running', last_turn_summary: null })
      return [...cancelled, ...rows]
    }
    this.#set({ status: 'waiting', worker_id: null, runner_id: null })
    return []
  }

  /** A run is asked to end; where only the client is waited for, its calls are cancelled at once. */
  async #stopRun(reason: string): Promise<readonly MessageRow[]> {
    if (this.#row.status !== 'requires_action') {
      this.#set({ status: 'interrupting' })
      return []
    }
    const cancelled = await this.#answerOpenCalls(reason)
    this.#set({ status: 'running', requires_action_deadline_at: null })
    return cancelled
  }

  /** CH-221: history stays replayable. */
  async #answerOpenCalls(
    reason: string,
    result: (reason: string) => ToolResultPart['result'] = (text) => text,
  ): Promise<readonly MessageRow[]> {
    const open = await openCalls(this.#actor, this.#tx, this.#row)
    return this.#insert(
      open.map((call) =>
        toolMessage({
          type: 'tool-result',
          tool_call_id: call.tool_call_id,
          tool_name: call.tool_name,
          result: result(reason),
          is_error: true,
          created_at: this.#clock.now().toISOString(),
        }),
      ),
    )
  }

  async #insert(messages: readonly NewMessage[]): Promise<readonly MessageRow[]> {
    const rows = await insertMessages(this.#actor, this.#tx, this.#row, messages)
    if (rows.length === 0) return rows
    const model = messages.findLast((message) => message.modelConfigId !== undefined)?.modelConfigId
    const effort = messages.findLast(
      (message) => typeof message.reasoningEffort === 'string',
    )?.reasoningEffort
    if (model !== undefined) this.#set({ last_model_config_id: model }, { touch: false })
    if (typeof effort === 'string') this.#set({ last_reasoning_effort: effort }, { touch: false })
    // As the triggers have derived them, for fences of what follows in this transaction.
    this.#row = Object.assign(
      { ...this.#row },
      { history_version: this.#row.snapshot_version, generation_attempt: 0 },
    )
    return rows
  }
}

function userMessage(message: UserMessage): NewMessage {
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
