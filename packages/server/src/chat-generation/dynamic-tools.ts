import type { ChatRow } from '../chats/index.ts'
import type { Run } from './run.ts'

const TOO_LATE = 'The client did not answer the tool call in time.'

/** Waits for the client to carry out its tools, and cancels the calls at the deadline (CH-1501). */
export async function waitForAction(run: Run, row: ChatRow, signal: AbortSignal): Promise<void> {
  const { clock } = run.parts.context
  const deadline = row.requires_action_deadline_at?.getTime() ?? clock.now().getTime()
  for (;;) {
    const ms = deadline - clock.now().getTime()
    if (ms <= 0) break
    await run.parts.timings.pause(ms, signal)
  }
  const { result: rows, chat } = await run.commit(row, signal, (locked) => locked.cancelAction(TOO_LATE))
  run.remember(chat, rows)
}
