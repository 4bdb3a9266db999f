import { describeError } from '@slipway/request-log'
import { ModelUnavailable, overrideModel } from '../chat-settings/index.ts'
import type { ChatRow } from '../chats/index.ts'
import { isDatabaseFault } from '../errors/index.ts'
import { CHATD } from './chatd.ts'
import { compact } from './compaction.ts'
import { type Decision, decide } from './decide.ts'
import { waitForAction } from './dynamic-tools.ts'
import { failTurn, generate } from './generate.ts'
import { stepsOfTurn } from './history.ts'
import { finishInterruption } from './interrupt.ts'
import { type Prepared, prepare } from './prepare.ts'
import type { Run } from './run.ts'
import { runTools } from './run-tools.ts'
import { countTurnSteps } from './store/history.ts'
import { afterTurn } from './turn-end.ts'

/** Pauses before what a step depends on is read again, in milliseconds (CH-700). */
const PREPARE_AGAIN_MS = [200, 400]

/**
 * Does the next thing that a chat needs, and commits it.
 *
 * @throws FencedOff when the chat has changed meanwhile; the reason of the signal; Error for what may be tried again.
 */
export async function step(run: Run, row: ChatRow, signal: AbortSignal): Promise<void> {
  switch (row.status) {
    case 'running':
      await goOn(run, row, signal)
      break
    case 'interrupting':
      await finishInterruption(run, row, signal)
      break
    case 'requires_action':
      await waitForAction(run, row, signal)
      break
    case 'waiting':
    case 'error':
      await run.commit(row, signal, async (chat) => chat.abandon())
      break
  }
}

async function goOn(run: Run, row: ChatRow, signal: AbortSignal): Promise<void> {
  const ready = await prepareAndDecide(run, row, signal)
  if (ready === undefined) return
  const { prepared, decision } = ready
  switch (decision.kind) {
    case 'run-tools':
      await runTools(run, row, prepared, decision, signal)
      // The next pass sees the tools as they are then.
      await run.closeTools()
      break
    case 'require-action': {
      await run.commit(row, signal, async (chat) => chat.requireAction())
      break
    }
    case 'compact':
      await compact(run, row, prepared, decision.source, signal)
      break
    case 'finish': {
      const { result: rows, chat } = await run.commit(row, signal, (locked) => locked.finishTurn())
      run.remember(chat, rows)
      afterTurn(run.parts, chat)
      break
    }
    case 'fail':
      await failTurn(run, row, signal, decision.error)
      break
    case 'generate':
      await generate(run, row, prepared, signal)
      break
  }
}

/** What the step depends on and what it is; undefined when that could not be found out, and the turn has failed. */
async function prepareAndDecide(
  run: Run,
  row: ChatRow,
  signal: AbortSignal,
): Promise<{ readonly prepared: Prepared; readonly decision: Decision } | undefined> {
  for (let attempt = 0; ; attempt += 1) {
    try {
      const prepared = await prepare(run, row)
      return { prepared, decision: decide(await situationOf(run, row, prepared)) }
    } catch (error) {
      signal.throwIfAborted()
      if (error instanceof ModelUnavailable) {
        const { kind, message, provider } = error
        const named = provider === undefined ? {} : { provider }
        await failTurn(run, row, signal, { message, kind, retryable: false, ...named })
        return undefined
      }
      // While the database is away nothing can be found out, and nobody is to blame.
      if (isDatabaseFault(error)) throw error
      const pause = PREPARE_AGAIN_MS[attempt]
      run.parts.context.log.warn('the step of a chat could not be prepared', {
        chat_id: row.id,
        attempt: attempt + 1,
        error: describeError(error),
      })
      if (pause === undefined) {
        await failTurn(run, row, signal, {
          message: 'The turn could not be prepared because of a fault in the server.',
          kind: 'generic',
          retryable: false,
        })
        return undefined
      }
      await run.parts.timings.pause(pause, signal)
    }
  }
}

async function situationOf(
  run: Run,
  row: ChatRow,
  prepared: Prepared,
): Promise<Parameters<typeof decide>[0]> {
  const { tools, history, isDynamic, threshold, model } = prepared
  const override = await overrideModel(run.parts.settings, 'compaction', row.owner_id)
  // A summary has to fit the model that makes it, too (CH-801).
  const limits = [model, ...(override.kind === 'model' ? [override.model] : [])].map(
    ({ config }) => config.contextLimit,
  )
  return {
    history,
    steps: stepsOfTurn(history) ?? (await countTurnSteps(CHATD, run.parts.context.database.db, row)),
    isDynamic,
    stopsTurn: (name) => tools.get(name)?.stopsTurn === true,
    compactionRequested: row.compaction_requested_at !== null,
    compactionThreshold: threshold,
    contextLimit: Math.min(...limits),
  }
}
