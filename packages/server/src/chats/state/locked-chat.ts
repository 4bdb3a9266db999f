import type { ChatError, ChatStreamRetry } from '@slipway/contract'
import type { Actor } from '../../authz/index.ts'
import type { AppContext, Db } from '../../context.ts'
import { badRequest, conflict, notFound } from '../../errors/index.ts'
import { jsonbOf, type Part, type ToolResultPart } from '../parts.ts'
import { clearQueue, lockChat, moveQueuedToHead, type QueuedRow, takeQueued } from '../store/locked.ts'
import {
  appendParts,
  deleteMessagesFrom,
  findMessage,
  type MessageRow,
  type NewMessage,
} from '../store/messages.ts'
import { LockedRow, REASON_ENDED, toolMessage, type UserMessage, userMessage } from './locked-row.ts'

/** How long a client may take for the tools that it carries out (CH-213). */
export const ACTION_DEADLINE_MS = 5 * 60_000

/** A chat whose row is locked; its methods are the transitions of CH-§2. */
export class LockedChat extends LockedRow {
  /** @throws ApiError 404 when the chat is absent or may not be changed. */
  static async lock(
    context: Pick<AppContext, 'clock'>,
    actor: Actor,
    tx: Db,
    id: string,
  ): Promise<LockedChat> {
    return new LockedChat(context.clock, actor, tx, await lockChat(actor, tx, id))
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
    const from = this.begin('send-idle')
    const cancelled = await this.answerOpenCalls(REASON_ENDED)
    const queued = this.waiting > 0 ? await this.addToQueue(message) : undefined
    const next = queued === undefined ? message : await this.takeHead()
    const inserted = await this.insert([userMessage(next)])
    this.set({ status: 'running', last_error: null })
    this.end('send-idle', from)
    return { messages: [...cancelled, ...inserted], queued }
  }

  /** CH-203: the turn is over; the head of the queue begins the next one. */
  async finishTurn(): Promise<readonly MessageRow[]> {
    const from = this.begin('finish-turn')
    const rows = await this.#goOnOrWait()
    this.end('finish-turn', from)
    return rows
  }

  /** CH-204. @throws ApiError 429 when the queue is full. */
  async enqueue(message: UserMessage): Promise<QueuedRow> {
    const from = this.begin('enqueue')
    const row = await this.addToQueue(message)
    this.end('enqueue', from)
    return row
  }

  /** CH-205: queues the message and ends what the chat does. @throws ApiError 429 when the queue is full. */
  async sendInterrupt(
    message: UserMessage,
  ): Promise<{ readonly queued: QueuedRow; readonly messages: readonly MessageRow[] }> {
    const from = this.begin('send-interrupt')
    const queued = await this.addToQueue(message)
    const messages = await this.#stopRun('The tool call was cancelled because the user sent a new message.')
    this.end('send-interrupt', from)
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
    const from = this.begin('edit')
    const old = await findMessage(this.actor, this.tx, this.row, id)
    if (old === undefined || old.visibility === 'model') throw notFound()
    if (old.role !== 'user') throw badRequest('Only messages of users can be edited.')
    const message = await replace(old)
    const deleted = await deleteMessagesFrom(this.actor, this.tx, this.row, id)
    if (this.waiting > 0) await clearQueue(this.actor, this.tx, this.row)
    this.waiting = 0
    const cancelled = await this.answerOpenCalls(REASON_ENDED)
    const inserted = await this.insert([userMessage(message)])
    this.set({ status: 'running', last_error: null, requires_action_deadline_at: null })
    this.end('edit', from)
    return { messages: [...cancelled, ...inserted], deleted }
  }

  /** CH-207: ends what the chat does; the queue stays. @throws ApiError 409 when it does nothing. */
  async interrupt(): Promise<readonly MessageRow[]> {
    const from = this.begin('interrupt', 'Chat is not in an interruptible state.')
    const messages = await this.#stopRun('The tool call was cancelled by the user.')
    this.end('interrupt', from)
    return messages
  }

  /** CH-208, CH-710: keeps what had come of the answer, with an error for each call that got none. */
  async finishInterruption(partial: readonly NewMessage[]): Promise<readonly MessageRow[]> {
    const from = this.begin('finish-interruption')
    const kept = await this.insert(partial)
    const cancelled = await this.answerOpenCalls(
      'tool call was interrupted before it produced a result',
      (reason) => ({ error: reason }),
    )
    const next = await this.#goOnOrWait()
    this.set({ last_turn_summary: null })
    this.end('finish-interruption', from)
    return [...kept, ...cancelled, ...next]
  }

  /** CH-209: what a step of the run has made. */
  async commitStep(messages: readonly NewMessage[]): Promise<readonly MessageRow[]> {
    const from = this.begin('commit-step')
    const rows = await this.insert(messages)
    this.end('commit-step', from)
    return rows
  }

  /** CH-124: adds what tools have made to the message that called them. */
  async addParts(messageId: number, parts: readonly Part[]): Promise<void> {
    const from = this.begin('commit-step')
    await appendParts(this.actor, this.tx, this.row, messageId, parts)
    this.end('commit-step', from)
  }

  /** CH-210: the turn has failed; the queue stays as it is. */
  fail(error: ChatError): void {
    const from = this.begin('fail')
    this.set({
      status: 'error',
      last_error: jsonbOf(error),
      last_turn_summary: null,
      worker_id: null,
      runner_id: null,
    })
    this.end('fail', from)
  }

  /** CH-211. @throws ApiError 404 without such a message. */
  async deleteQueued(id: number): Promise<void> {
    const from = this.begin('delete-queued')
    if ((await takeQueued(this.actor, this.tx, this.row, id)) === undefined) throw notFound()
    this.waiting -= 1
    this.end('delete-queued', from)
  }

  /** CH-212: a waiting message next: at once where nothing runs, else as soon as the run has ended. @throws ApiError 404. */
  async promoteQueued(id: number): Promise<readonly MessageRow[]> {
    const from = this.begin('promote-queued')
    if (!(await moveQueuedToHead(this.actor, this.tx, this.row, id))) throw notFound()
    const rows: MessageRow[] = []
    if (this.row.status === 'running' || this.row.status === 'interrupting') {
      this.set({ status: 'interrupting' })
    } else {
      rows.push(...(await this.answerOpenCalls(REASON_ENDED)))
      rows.push(...(await this.insert([userMessage(await this.takeHead())])))
      this.set({ status: 'running', last_error: null, requires_action_deadline_at: null })
    }
    this.end('promote-queued', from)
    return rows
  }

  /** CH-213: the client has to carry out tools, within five minutes. */
  requireAction(): void {
    const from = this.begin('require-action')
    this.set({
      status: 'requires_action',
      requires_action_deadline_at: new Date(this.clock.now().getTime() + ACTION_DEADLINE_MS),
    })
    this.end('require-action', from)
  }

  /** CH-213: the results of the client. */
  async completeAction(results: readonly ToolResultPart[]): Promise<readonly MessageRow[]> {
    const from = this.begin('complete-action')
    const rows = await this.insert(results.map((part) => toolMessage(part)))
    this.set({ status: 'running', requires_action_deadline_at: null })
    this.end('complete-action', from)
    return rows
  }

  /** CH-213: the client did not answer in time. */
  async cancelAction(reason: string): Promise<readonly MessageRow[]> {
    const from = this.begin('cancel-action')
    const rows = await this.answerOpenCalls(reason)
    this.set({ status: 'running', requires_action_deadline_at: null })
    this.end('cancel-action', from)
    return rows
  }

  /** CH-214. */
  archive(): void {
    const from = this.begin('archive')
    this.set({ archived: true, archived_at: this.clock.now(), pin_order: 0 }, { touch: false })
    this.end('archive', from)
  }

  /** CH-214. */
  unarchive(): void {
    const from = this.begin('unarchive')
    this.set({ archived: false, archived_at: null }, { touch: false })
    this.end('unarchive', from)
  }

  /** CH-215: the next run makes a summary of the conversation and nothing else. */
  requestCompaction(): void {
    const from = this.begin('request-compaction')
    this.set({
      status: 'running',
      last_error: null,
      compaction_requested_at: this.clock.now(),
      generation_attempt: 0,
      history_version: this.row.snapshot_version,
      worker_id: null,
      runner_id: null,
    })
    this.end('request-compaction', from)
  }

  /** CH-216: out of a state that no chat may be in. @throws ApiError 409 for a valid one. */
  async reconcile(error: ChatError): Promise<void> {
    if (this.state !== undefined) throw conflict('Chat is not in an invalid state.')
    await this.answerOpenCalls(REASON_ENDED)
    this.set({
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
    if (planMode !== undefined) this.set({ plan_mode: planMode }, { touch: false })
    if (mcpServerIds !== undefined) this.set({ mcp_server_ids: [...mcpServerIds] }, { touch: false })
  }

  /** CH-217, CH-604: a run takes the chat. Nobody sees a difference. */
  acquire(workerId: string, runnerId: string): void {
    this.set({ worker_id: workerId, runner_id: runnerId }, { touch: false })
  }

  /** CH-217: the run lets the chat go as it is. */
  abandon(): void {
    this.set({ worker_id: null, runner_id: null }, { touch: false })
  }

  /** CH-705: the model is about to be called once more for this history. */
  noteAttempt(): number {
    const attempt = this.row.generation_attempt + 1
    this.set({ generation_attempt: attempt, retry_state: null }, { touch: false })
    return attempt
  }

  /** CH-721: when and why the model is called again. */
  noteRetry(retry: ChatStreamRetry): void {
    this.set({ retry_state: jsonbOf(retry) }, { touch: false })
  }

  /** B-6: whoever waits for the next call of the model sees that the wait is over. @throws ApiError 409 when nobody does. */
  retryNow(): void {
    if (this.state === undefined) throw conflict('Chat is in an invalid state.')
    if (this.row.status !== 'running' || this.row.retry_state === null)
      throw conflict('Chat does not wait to try again.')
    this.set({ retry_state: null }, { touch: false })
  }

  /** The head of the queue begins the next turn; without one the chat waits, and nobody owns it. */
  async #goOnOrWait(): Promise<readonly MessageRow[]> {
    if (this.waiting > 0) {
      const cancelled = await this.answerOpenCalls(REASON_ENDED)
      const rows = await this.insert([userMessage(await this.takeHead())])
      this.set({ status: 'running', last_turn_summary: null })
      return [...cancelled, ...rows]
    }
    this.set({ status: 'waiting', worker_id: null, runner_id: null })
    return []
  }

  /** A run is asked to end; where only the client is waited for, its calls are cancelled at once. */
  async #stopRun(reason: string): Promise<readonly MessageRow[]> {
    if (this.row.status !== 'requires_action') {
      this.set({ status: 'interrupting' })
      return []
    }
    const cancelled = await this.answerOpenCalls(reason)
    this.set({ status: 'running', requires_action_deadline_at: null })
    return cancelled
  }
}
