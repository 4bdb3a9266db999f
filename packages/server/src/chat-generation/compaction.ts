import type { ChatStreamToolCall } from '@slipway/contract'
import { overrideModel, type RunModel } from '../chat-settings/index.ts'
import { type ChatRow, type Json, type NewMessage, wirePart } from '../chats/index.ts'
import { generateText, labelsOf } from './call-model.ts'
import { contextUsage } from './decide.ts'
import { DeadlinePassed } from './failure.ts'
import { failOrRetry, failTurn, hasGivenUp, openEpisode, waitForRetry } from './generate.ts'
import { usageOf } from './model/answer.ts'
import { type Prepared, promptFor } from './prepare.ts'
import { COMPACTION_INSTRUCTION, SUMMARY_INTRODUCTION } from './prompt/texts.ts'
import type { Run } from './run.ts'

/** Name of the call that shows a summary (CH-802). */
const TOOL_NAME: ChatStreamToolCall['tool_name'] = 'chat_summarized'

/** Replaces the conversation by a summary of it (CH-801, CH-802); a manual one ends the turn (CH-803). */
export async function compact(
  run: Run,
  row: ChatRow,
  prepared: Prepared,
  source: 'automatic' | 'manual',
  signal: AbortSignal,
): Promise<void> {
  if (await hasGivenUp(run, row, signal)) return
  await waitForRetry(run, row, signal)
  const chosen = await compactionModel(run, row, prepared)
  if (chosen === undefined) {
    await failTurn(run, row, signal, {
      message:
        'The model that is chosen for summaries cannot be used. Ask an administrator to choose another one.',
      kind: 'config',
      retryable: false,
    })
    return
  }
  const { metrics, context, timings } = run.parts
  const labels = labelsOf(chosen.provider, chosen.config.model)
  const { prompt } = await promptFor(run, row, { ...prepared, model: chosen })
  const { result: attempt } = await run.commit(row, signal, async (chat) => chat.noteAttempt())
  const writer = openEpisode(run, row.history_version, attempt)
  const id = `summary-${row.history_version}`
  const args = { source, threshold_percent: prepared.threshold }
  const call = {
    type: 'tool-call' as const,
    tool_call_id: id,
    tool_name: TOOL_NAME,
    args,
    created_at: context.clock.now().toISOString(),
  }
  const shownCall = wirePart(call)
  if (shownCall !== undefined) writer.append('assistant', shownCall)
  try {
    const startedAt = performance.now()
    const deadline = AbortSignal.timeout(timings.silenceMs)
    const { text, usage } = await generateText(run.parts, row, chosen, {
      isWished: run.isRetryWished(row),
      prompt: [...prompt, { role: 'user', content: [{ type: 'text', text: COMPACTION_INSTRUCTION }] }],
      abortSignal: AbortSignal.any([signal, deadline]),
    }).catch((error: unknown) => {
      throw deadline.aborted
        ? new DeadlinePassed(`no summary came within ${timings.silenceMs / 1000} s`, { cause: error })
        : error
    })
    if (text === '') throw new Error('The model gave an empty summary.')
    const limit = Math.min(prepared.model.config.contextLimit, chosen.config.contextLimit)
    const known = contextUsage({ history: prepared.history, contextLimit: limit })
    const result: Json = {
      summary: text,
      ...args,
      usage_percent: Math.round((known?.percent ?? 0) * 10) / 10,
      context_tokens: known?.tokens ?? 0,
      context_limit_tokens: limit,
    }
    const answer = {
      type: 'tool-result' as const,
      tool_call_id: id,
      tool_name: TOOL_NAME,
      result,
      created_at: context.clock.now().toISOString(),
    }
    const shownResult = wirePart(answer)
    if (shownResult !== undefined) writer.append('tool', shownResult)
    const messages: NewMessage[] = [
      {
        role: 'user',
        parts: [{ type: 'text', text: `${SUMMARY_INTRODUCTION}\n\n${text}` }],
        visibility: 'model',
        compressed: true,
      },
      {
        role: 'assistant',
        parts: [call],
        visibility: 'user',
        compressed: true,
        modelConfigId: chosen.config.id === row.last_model_config_id ? chosen.config.id : undefined,
        runtimeMs: performance.now() - startedAt,
        usage: usageOf(usage, chosen.config.contextLimit),
      },
      { role: 'tool', parts: [answer], visibility: 'user', compressed: true },
    ]
    await run.commit(row, signal, async (chat) => {
      await chat.commitStep(messages)
      if (source === 'manual') await chat.finishTurn()
    })
    run.forget()
    metrics.compactions.inc({ ...labels, result: 'success' })
  } catch (error) {
    if (signal.aborted) throw signal.reason
    metrics.compactions.inc({ ...labels, result: 'error' })
    await failOrRetry(run, row, { model: chosen }, { error, attempt, signal })
  } finally {
    writer.close()
  }
}

/**
 * The model that makes summaries: the chat's own where none is chosen any more; undefined for one that is chosen and that
 * the owner cannot use (CH-803).
 */
async function compactionModel(run: Run, row: ChatRow, { model }: Prepared): Promise<RunModel | undefined> {
  const override = await overrideModel(run.parts.settings, 'compaction', row.owner_id)
  switch (override.kind) {
    case 'unset':
    case 'stale':
      return model
    case 'unusable':
      return undefined
    case 'model':
      return override.model
  }
}
