import type { Task } from '@slipway/contract'
import { statusOf } from '../api/errors.ts'

/** What is being done for a message on its way to a task (UI-1203). */
export type DeliveryStage = 'resume' | 'wait' | 'busy' | 'send'

/** A message that did not reach its task, and what failed. */
export class DeliveryError extends Error {
  readonly stage: DeliveryStage

  constructor(stage: DeliveryStage, cause: unknown) {
    super(cause instanceof Error ? cause.message : String(cause), { cause })
    this.name = 'DeliveryError'
    this.stage = stage
  }
}

/** What a delivery needs of the world. */
export interface DeliverySteps {
  readonly read: () => Promise<Task>
  readonly resume: () => Promise<void>
  readonly send: (text: string) => Promise<void>
  /** Until the task is looked at again. */
  readonly rest: (signal: AbortSignal) => Promise<void>
  /** Whether a failed question was about the connection and not about the task. */
  readonly isLost: (error: unknown) => boolean
}

/**
 * Brings a message to a task: resumes it when it is paused, waits until it is active and its program takes input, and sends
 * (UI-1203).
 *
 * @throws DeliveryError naming the stage; the reason of `signal` when it is called off.
 */
export async function deliver(
  text: string,
  { read, resume, send, rest, isLost }: DeliverySteps,
  onStage: (stage: DeliveryStage) => void,
  signal: AbortSignal,
): Promise<void> {
  let stage: DeliveryStage = 'wait'
  const enter = (next: DeliveryStage) => {
    signal.throwIfAborted()
    if (next === stage) return
    stage = next
    onStage(next)
  }
  /** The task as it is now; while the server cannot be reached that is asked again. */
  const look = async (): Promise<Task> => {
    for (;;) {
      try {
        return await read()
      } catch (error) {
        if (!isLost(error)) throw error
      }
      await rest(signal)
    }
  }
  try {
    onStage(stage)
    let task = await look()
    // It is being paused: that ends before it can be resumed.
    while (task.workspace_status === 'stopping') {
      await rest(signal)
      signal.throwIfAborted()
      task = await look()
    }
    if (task.status === 'paused') {
      enter('resume')
      await resumed(resume, look)
      enter('wait')
      task = await look()
    }
    for (;;) {
      signal.throwIfAborted()
      const fault = faultOf(task)
      if (fault !== undefined) throw new Error(fault)
      if (task.status === 'active') {
        enter('send')
        if (await taken(send(text))) return
        // It refuses while it starts, or while its program answers the message before.
        task = await look()
        enter(task.status === 'active' ? 'busy' : 'wait')
      }
      await rest(signal)
      task = await look()
    }
  } catch (error) {
    if (signal.aborted) throw error
    throw new DeliveryError(stage, error)
  }
}

/** Somebody else may have resumed it meanwhile: a refusal counts only while it is still paused. */
async function resumed(resume: () => Promise<void>, look: () => Promise<Task>): Promise<void> {
  try {
    await resume()
  } catch (error) {
    if (statusOf(error) !== 409 || (await look()).status === 'paused') throw error
  }
}

async function taken(sending: Promise<void>): Promise<boolean> {
  try {
    await sending
    return true
  } catch (error) {
    if (statusOf(error) === 409) return false
    throw error
  }
}

/** Why a task will not become active by itself. */
function faultOf({ status, workspace_status: workspace, workspace_id: id }: Task): string | undefined {
  if (id === null || workspace === 'deleting' || workspace === 'deleted') return 'Its workspace was deleted.'
  if (status === 'paused' || workspace === 'stopping') return 'It was paused before it was active.'
  return status === 'error' ? 'It ended in an error. The page of the task says which.' : undefined
}
