import { type ChatRow, type NewMessage, toolMessage } from '../chats/index.ts'
import { storeMadeFiles } from './answer-files.ts'
import { CHATD } from './chatd.ts'
import { openCallsOf } from './history.ts'
import { saysSomething } from './model/answer.ts'
import type { Run } from './run.ts'
import { deleteToolCalls, listResults } from './store/tool-calls.ts'

/** Ends a run that the user has stopped: what had come of the answer stays, and open calls get an error (CH-710). */
export async function finishInterruption(run: Run, row: ChatRow, signal: AbortSignal): Promise<void> {
  const partial = run.partial
  run.partial = undefined
  const kept = partial?.historyVersion === row.history_version ? partialMessage(partial) : undefined
  const results = kept === undefined ? await finishedResults(run, row) : []
  const { result: rows, chat } = await run.commit(row, signal, async (locked, tx) => {
    const partialAnswer =
      kept === undefined ? undefined : { ...kept, parts: await storeMadeFiles(tx, row, kept.parts) }
    const committed = await locked.finishInterruption(partialAnswer === undefined ? results : [partialAnswer])
    await deleteToolCalls(CHATD, tx, locked.row)
    return committed
  })
  run.remember(chat, rows)
}

function partialMessage({
  answer,
  startedAt,
  modelConfigId,
}: NonNullable<Run['partial']>): NewMessage | undefined {
  const parts = answer.parts()
  if (!saysSomething(parts) && parts.every((part) => part.type === 'reasoning' && part.text === ''))
    return undefined
  return {
    role: 'assistant',
    parts,
    visibility: 'both',
    modelConfigId,
    runtimeMs: performance.now() - startedAt,
  }
}

/** Results of the interrupted step that were there already: the work is done, and the model should know of it. */
async function finishedResults(run: Run, row: ChatRow): Promise<readonly NewMessage[]> {
  const { message, calls } = openCallsOf(await run.history(row))
  if (message === undefined || calls.length === 0) return []
  const stored = await listResults(CHATD, run.parts.context.database.db, row, message.row.id)
  return calls.flatMap(({ index }) => {
    const result = stored.get(index)
    return result === undefined ? [] : [toolMessage(result.part)]
  })
}
