import { ApiFailure } from '@slipway/client'
import { type ChatStatus, getChat, interruptChat } from '@slipway/contract'
import type { Connection } from '../connection.ts'
import { CommandError } from '../errors.ts'
import { followChat } from './follow-chat.ts'
import { textOf } from './message-text.ts'
import type { Transcript } from './transcript.ts'

/** What a command ends with that was interrupted, as shells have it. */
export const INTERRUPTED = 130
/** What a command ends with when a program has to give results of tools before the chat goes on. */
const NEEDS_RESULTS = 2

/** Whether a chat works on something. */
export function isBusy(status: ChatStatus): boolean {
  switch (status) {
    case 'running':
    case 'interrupting':
      return true
    case 'waiting':
    case 'requires_action':
    case 'error':
      return false
  }
}

/**
 * Waits until a chat has nothing to do any more, what is queued included. The first Ctrl-C interrupts it, the second one
 * leaves it alone.
 *
 * @param afterId last message before the turn.
 * @returns the last answer; empty when there was none.
 */
export async function waitForTurn(
  client: Connection,
  chat: string,
  afterId: number,
  transcript?: Transcript,
): Promise<{ readonly answer: string; readonly interrupted: boolean }> {
  using keys = new InterruptKey(client, chat)
  let answer = ''
  await followChat(
    client,
    chat,
    (events) => {
      let over = false
      for (const event of events) {
        transcript?.take(event)
        const { type, message, status } = event
        if (type === 'history_reset') answer = ''
        if (message?.role === 'assistant') answer = textOf(message.content).trim() || answer
        if (status !== undefined) over = !isBusy(status.status)
      }
      return over
    },
    { afterId, signal: keys.left },
  )
  return { answer, interrupted: keys.pressed }
}

/** How a chat ended, as the command's exit code; says on stderr what went wrong. @throws CommandError for a failure. */
export async function tellOutcome(client: Connection, chat: string, interrupted: boolean): Promise<void> {
  if (interrupted) {
    process.exitCode = INTERRUPTED
    return
  }
  const { status, last_error: failure } = await client.call(getChat, { params: { chat } })
  switch (status) {
    case 'error':
      throw new CommandError(
        `the turn has failed: ${failure?.message ?? 'nobody knows why'}${failure?.detail === undefined ? '' : ` (${failure.detail})`}`,
      )
    case 'requires_action':
      process.stderr.write(
        'The chat waits for results of tools: give them with `slipway chat tool-results`, within five minutes.\n',
      )
      process.exitCode = NEEDS_RESULTS
      return
    case 'waiting':
    case 'running':
    case 'interrupting':
      return
  }
}

/** Ctrl-C while a chat works. */
class InterruptKey implements Disposable {
  readonly #client: Connection
  readonly #chat: string
  readonly #leaving = new AbortController()
  #pressed = false

  constructor(client: Connection, chat: string) {
    this.#client = client
    this.#chat = chat
    process.on('SIGINT', this.#press)
  }

  get pressed(): boolean {
    return this.#pressed
  }

  /** Aborted when it was pressed twice. */
  get left(): AbortSignal {
    return this.#leaving.signal
  }

  readonly #press = (): void => {
    if (this.#pressed) {
      this.#leaving.abort()
      return
    }
    this.#pressed = true
    process.stderr.write('\nInterrupting; Ctrl-C again leaves the chat alone.\n')
    void interrupt(this.#client, this.#chat)
  };

  [Symbol.dispose](): void {
    process.off('SIGINT', this.#press)
  }
}

/** Interrupts a chat; one that has just ended needs it no more. What goes wrong is said on stderr. */
export async function interrupt(client: Connection, chat: string): Promise<void> {
  try {
    await client.call(interruptChat, { params: { chat } })
  } catch (error) {
    if (error instanceof ApiFailure && error.status === 409) return
    process.stderr.write(
      `The chat could not be interrupted: ${error instanceof Error ? error.message : error}\n`,
    )
  }
}
