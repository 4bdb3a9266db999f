import type { ChatError } from '@slipway/contract'
import type { EpisodeWriter } from '../chat-streams/index.ts'
import type { ChatRow, NewMessage } from '../chats/index.ts'
import { FencedOff } from '../chats/index.ts'
import { storeMadeFiles } from './answer-files.ts'
import { labelsOf, type StreamEnd, streamAnswer } from './call-model.ts'
import { chatError, classify } from './classify-error.ts'
import { failedCall } from './failure.ts'
import { usedCallIds } from './history.ts'
import { Answer, saysSomething, usageOf } from './model/answer.ts'
import { callSettings } from './model/call-options.ts'
import { languageFor, type Prepared, promptFor, toolsFor } from './prepare.ts'
import { MAX_ATTEMPTS, retryDelay } from './retry.ts'
import type { Run } from './run.ts'
import { maybeTitle } from './titles.ts'
import { afterFailure, afterTurn } from './turn-end.ts'

/** Asks the model once and commits what it says, or when it is asked again (CH-705, CH-706). */
export async function generate(
  run: Run,
  row: ChatRow,
  prepared: Prepared,
  signal: AbortSignal,
): Promise<void> {
  if (await hasGivenUp(run, row, signal)) return
  await waitForRetry(run, row, signal)
  const { parts } = run
  const { provider, config } = prepared.model
  const [{ prompt, warnings }, model] = await Promise.all([
    promptFor(run, row, prepared),
    languageFor(run, row, prepared),
  ])
  const attempt =
    run.takeAttempt(row) ?? (await run.commit(row, signal, async (chat) => chat.noteAttempt())).result
  const writer = openEpisode(run, row.history_version, attempt)
  const answer = answerFor(run, prepared, writer)
  for (const text of warnings) answer.notice(text)
  const startedAt = performance.now()
  run.partial = { historyVersion: row.history_version, answer, startedAt, modelConfigId: config.id }
  const labels = labelsOf(provider, config.model)
  parts.metrics.messages.observe(labels, prompt.length)
  let end: StreamEnd
  try {
    const tools = toolsFor(row, prepared)
    let first = true
    end = await streamAnswer(
      model,
      { ...callSettings(prepared.model), prompt, ...(tools.length === 0 ? {} : { tools }) },
      answer,
      {
        signal,
        silenceMs: parts.timings.silenceMs,
        limitMs: parts.timings.taskMs,
        onFirst: () => {
          if (!first) return
          first = false
          parts.metrics.firstToken.observe(labels, (performance.now() - startedAt) / 1000)
          // Not before: the answer comes first.
          maybeTitle(parts, row, prepared)
        },
      },
    )
  } catch (error) {
    writer.close()
    if (signal.aborted) throw signal.reason
    run.partial = undefined
    await failOrRetry(run, row, prepared, { error, attempt, signal })
    return
  }
  const runtimeMs = performance.now() - startedAt
  parts.metrics.steps.inc(labels)
  try {
    await commitAnswer(run, row, prepared, { answer, end, runtimeMs, signal })
  } finally {
    if (!signal.aborted) run.partial = undefined
    writer.close()
  }
}

function answerFor(run: Run, { history, tools }: Prepared, writer: EpisodeWriter): Answer {
  const { clock } = run.parts.context
  return new Answer({
    now: () => clock.now(),
    usedIds: usedCallIds(history),
    serverOf: (name) => tools.get(name)?.mcpServerConfigId,
    show: (part) => writer.append('assistant', part),
  })
}

/** Ends the turn of a history that was tried too often, whatever has ended each try, a crash of the server too (CH-720). */
export async function hasGivenUp(run: Run, row: ChatRow, signal: AbortSignal): Promise<boolean> {
  if (row.generation_attempt < MAX_ATTEMPTS) return false
  await failTurn(run, row, signal, {
    message: 'The model could not answer.',
    detail: `The turn was begun ${row.generation_attempt} times and never came to its end.`,
    kind: 'generic',
    retryable: false,
  })
  return true
}

/** Where the pieces of a step go; a step that is done again on the same replica shows nothing the second time. */
export function openEpisode(run: Run, historyVersion: number, attempt: number): EpisodeWriter {
  const episode = { chatId: run.chatId, historyVersion, attempt }
  try {
    return run.parts.buffer.open(episode)
  } catch {
    return { append: () => undefined, close: () => run.parts.buffer.close(episode) }
  }
}

async function commitAnswer(
  run: Run,
  row: ChatRow,
  prepared: Prepared,
  done: {
    readonly answer: Answer
    readonly end: StreamEnd
    readonly runtimeMs: number
    readonly signal: AbortSignal
  },
): Promise<void> {
  const { config, provider } = prepared.model
  const said = done.answer.parts()
  if (done.end.finish === 'content-filter' && !saysSomething(said)) {
    const error = chatError(classify({ text: '', own: 'content_filter' }), provider.name, '')
    await failTurn(run, row, done.signal, error)
    return
  }
  const message: Omit<NewMessage, 'parts'> = {
    role: 'assistant',
    visibility: 'both',
    modelConfigId: config.id,
    runtimeMs: done.runtimeMs,
    usage: usageOf(done.end.usage, config.contextLimit),
  }
  const goesOn = said.some((part) => part.type === 'tool-call' && part.provider_executed !== true)
  const { result: rows, chat } = await run.commit(row, done.signal, async (locked, tx) => {
    const parts = await storeMadeFiles(tx, row, said)
    const committed = said.length === 0 ? [] : await locked.commitStep([{ ...message, parts }])
    // In the same transaction: nobody sees an answer that is complete in a chat that still runs.
    return goesOn ? committed : [...committed, ...(await locked.finishTurn())]
  })
  run.remember(chat, rows)
  run.callsTools = goesOn
  if (goesOn) return
  await run.closeTools()
  afterTurn(run.parts, chat)
}

/** CH-210, CH-723: the turn ends with an error that the user sees. */
export async function failTurn(run: Run, row: ChatRow, signal: AbortSignal, error: ChatError): Promise<void> {
  const { chat: failed } = await run.commit(row, signal, async (chat) => chat.fail(error))
  afterFailure(run.parts, failed, error)
  run.parts.context.log.info('the turn of a chat failed', {
    chat_id: row.id,
    kind: error.kind,
    provider: error.provider,
    status: error.status_code,
  })
}

/** What became of a failed call: it is made again later, or the turn has failed (CH-7.4). */
export async function failOrRetry(
  run: Run,
  row: ChatRow,
  { model: { provider, config } }: Pick<Prepared, 'model'>,
  {
    error,
    attempt,
    signal,
  }: { readonly error: unknown; readonly attempt: number; readonly signal: AbortSignal },
): Promise<void> {
  if (error instanceof FencedOff) throw error
  const { clock } = run.parts.context
  const { failure, said, detail, retryAfterMs } = failedCall(error, clock.now())
  const classified = classify(failure)
  // What is said of credentials may hold them: only what the provider itself says is shown (CH-7.4).
  const shown = chatError(classified, provider.name, classified.kind === 'auth' ? said : detail)
  if (!classified.retryable || attempt >= MAX_ATTEMPTS) {
    await failTurn(run, row, signal, shown)
    return
  }
  const delayMs = retryDelay(attempt, retryAfterMs)
  run.parts.metrics.retries.inc({ ...labelsOf(provider, config.model), kind: shown.kind })
  await run.commit(row, signal, async (chat) =>
    chat.noteRetry({
      attempt,
      delay_ms: delayMs,
      error: shown.message,
      kind: shown.kind,
      provider: provider.name,
      ...(shown.status_code === undefined ? {} : { status_code: shown.status_code }),
      retrying_at: new Date(clock.now().getTime() + delayMs).toISOString(),
    }),
  )
}

/** Waits until a model may be asked again, as it was stored: also by a run that takes the chat over (CH-720, B-6). */
export async function waitForRetry(run: Run, row: ChatRow, signal: AbortSignal): Promise<void> {
  const at = retryingAt(row.retry_state)
  if (at === undefined) return
  const ms = at - run.parts.context.clock.now().getTime()
  if (ms <= 0) return
  run.waiting = true
  try {
    await run.parts.timings.pause(ms, signal)
  } finally {
    run.waiting = false
  }
}

function retryingAt(state: unknown): number | undefined {
  const at: unknown =
    typeof state === 'object' && state !== null ? Reflect.get(state, 'retrying_at') : undefined
  const time = typeof at === 'string' ? Date.parse(at) : Number.NaN
  return Number.isNaN(time) ? undefined : time
}
