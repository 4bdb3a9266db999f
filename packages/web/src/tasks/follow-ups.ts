import { getTask, resumeTask, sendToTask, type Task } from '@slipway/contract'
import { api, isLost } from '../api/client.ts'
import { draftName, readDraft, writeDraft } from '../chat-conversation/drafts.ts'
import { type DeliveryStage, deliver } from './deliver.ts'
import { addressOf, refreshTasks } from './queries.ts'

/** A message on its way to a task. */
export interface FollowUp {
  readonly id: number
  readonly text: string
  /** `left`: the page was closed before it was sent. */
  readonly state: DeliveryStage | 'queued' | 'left' | { readonly error: unknown }
}

const REST_MS = 2000
const NONE: readonly FollowUp[] = []

/**
 * Messages that wait for their tasks, in order. They outlive the page that they were written on, and their texts outlive the
 * browser's tab: what was not sent is offered again (UI-1203).
 */
class FollowUps {
  readonly #queues = new Map<string, readonly FollowUp[]>()
  readonly #running = new Map<string, AbortController>()
  readonly #listeners = new Set<() => void>()
  #next = 1

  readonly subscribe = (listener: () => void): (() => void) => {
    this.#listeners.add(listener)
    return () => this.#listeners.delete(listener)
  }

  of(task: string): readonly FollowUp[] {
    return this.#queues.get(task) ?? NONE
  }

  /** Brings back what was left in this browser by an earlier page. */
  restore(task: string, user: string): void {
    if (this.#queues.has(task)) return
    const { text } = readDraft(nameOf(user, task))
    if (text !== '') this.#set(task, user, [{ id: this.#next++, text, state: 'left' }])
  }

  add(task: Task, user: string, text: string): void {
    this.#set(task.id, user, [...this.of(task.id), { id: this.#next++, text, state: 'queued' }])
    void this.#run(task, user)
  }

  retry(task: Task, user: string, id: number): void {
    this.#note(task.id, user, id, 'queued')
    void this.#run(task, user)
  }

  /** Takes a message out of the queue; gives its text. */
  take(task: Task, user: string, id: number): string {
    const found = this.of(task.id).find((one) => one.id === id)
    if (this.of(task.id)[0]?.id === id) this.#running.get(task.id)?.abort()
    this.#set(
      task.id,
      user,
      this.of(task.id).filter((one) => one.id !== id),
    )
    return found?.text ?? ''
  }

  /** One after the other; a failure stops the queue until somebody decides. */
  async #run(task: Task, user: string): Promise<void> {
    if (this.#running.has(task.id)) return
    for (;;) {
      const [head] = this.of(task.id)
      if (head?.state !== 'queued') return
      const running = new AbortController()
      this.#running.set(task.id, running)
      try {
        await deliver(
          head.text,
          stepsOf(task),
          (stage) => this.#note(task.id, user, head.id, stage),
          running.signal,
        )
        this.#set(
          task.id,
          user,
          this.of(task.id).filter(({ id }) => id !== head.id),
        )
      } catch (error) {
        if (!running.signal.aborted) this.#note(task.id, user, head.id, { error })
      } finally {
        this.#running.delete(task.id)
        refreshTasks()
      }
    }
  }

  #note(task: string, user: string, id: number, state: FollowUp['state']): void {
    this.#set(
      task,
      user,
      this.of(task).map((one) => (one.id === id ? { ...one, state } : one)),
    )
  }

  #set(task: string, user: string, queue: readonly FollowUp[]): void {
    this.#queues.set(task, queue)
    writeDraft(nameOf(user, task), { text: queue.map(({ text }) => text).join('\n\n'), files: [] })
    for (const listener of this.#listeners) listener()
  }
}

/** The messages of this tab. */
export const followUps = new FollowUps()

const nameOf = (user: string, task: string) => draftName(user, `task-queue.${task}`)

function stepsOf(task: Task) {
  const params = addressOf(task)
  return {
    read: () => api.call(getTask, { params }),
    resume: async () => {
      await api.call(resumeTask, { params })
      refreshTasks()
    },
    send: async (input: string) => {
      await api.call(sendToTask, { params, body: { input } })
    },
    rest: (signal: AbortSignal) =>
      new Promise<void>((resolve) => {
        const timer = setTimeout(done, REST_MS)
        signal.addEventListener('abort', done, { once: true })
        function done() {
          clearTimeout(timer)
          signal.removeEventListener('abort', done)
          resolve()
        }
      }),
    isLost,
  }
}
