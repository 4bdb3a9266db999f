import { Compile, type Validator } from 'typebox/schema'

import { describeError } from '@slipway/request-log'
import type { EpisodeWriter } from '../chat-streams/index.ts'
import { type ChatTool, isCheapSchema, type ToolOutcome } from '../chat-tools/index.ts'
import {
  type ChatRow,
  FencedOff,
  type Json,
  type ToolResultPart,
  toolMessage,
  wirePart,
} from '../chats/index.ts'
import { linkIfRoom } from './answer-files.ts'
import { CHATD } from './chatd.ts'
import type { Decision } from './decide.ts'
import { openEpisode } from './generate.ts'
import type { OpenCall } from './history.ts'
import { isJson, isJsonObject } from './model/json.ts'
import type { Prepared } from './prepare.ts'
import type { Run } from './run.ts'
import {
  beginToolCalls,
  deleteToolCalls,
  readResult,
  type StoredResult,
  storeDone,
  storeResult,
  storeResume,
  type ToolCallRow,
} from './store/tool-calls.ts'
import { resultLimit, truncateResult } from './truncate-result.ts'

type ToolStep = Extract<Decision, { readonly kind: 'run-tools' }>

/** What the calls of one step share. */
interface StepParts {
  readonly run: Run
  readonly row: ChatRow
  readonly prepared: Prepared
  readonly messageId: number
  readonly known: ReadonlyMap<number, ToolCallRow>
  readonly writer: EpisodeWriter
  readonly signal: AbortSignal
}

/**
 * Carries out the calls of a step: those that are not serial at the same time, then the serial ones in order. Each
 * result is stored as soon as it is there, and all are committed at once in the order of the calls (CH-707, B-5).
 */
export async function runTools(
  run: Run,
  row: ChatRow,
  prepared: Prepared,
  { message, calls }: ToolStep,
  signal: AbortSignal,
): Promise<void> {
  const messageId = message.row.id
  const { db } = run.parts.context.database
  const begun = await beginToolCalls(
    CHATD,
    db,
    row,
    calls.map(({ index, part }) => ({ messageId, index, toolCallId: part.tool_call_id })),
  )
  if (begun.length === 0) throw new FencedOff('the run has lost its chat')
  const writer = openEpisode(run, row.history_version, row.generation_attempt)
  const limited = AbortSignal.any([signal, AbortSignal.timeout(run.parts.timings.taskMs)])
  const parts: StepParts = {
    run,
    row,
    prepared,
    messageId,
    known: new Map(begun.map((call) => [call.call_index, call])),
    writer,
    signal: limited,
  }
  try {
    const results = await unlessAborted(runAll(parts, calls), limited)
    await commitResults(parts, calls, results, signal)
  } finally {
    writer.close()
  }
}

async function runAll(
  parts: StepParts,
  calls: readonly OpenCall[],
): Promise<ReadonlyMap<number, StoredResult>> {
  const { tools } = parts.prepared
  const results = new Map<number, StoredResult>()
  const exclusive = calls.find(({ part }) => tools.get(part.tool_name)?.exclusive === true)
  const work = async (call: OpenCall): Promise<void> => {
    const result =
      exclusive !== undefined && calls.length > 1
        ? await keep(
            parts,
            call,
            refused(
              `${exclusive.part.tool_name} must be called alone. Call it again without other tools, or the other tools without it.`,
            ),
          )
        : await runCall(parts, call)
    results.set(call.index, result)
  }
  const isSerial = ({ part }: OpenCall): boolean => tools.get(part.tool_name)?.serial === true
  await Promise.all(calls.filter((call) => !isSerial(call)).map(work))
  for (const call of calls.filter(isSerial)) {
    parts.signal.throwIfAborted()
    await work(call)
  }
  return results
}

/** One call: what an earlier run has got of it, or what the tool says now. */
async function runCall(parts: StepParts, call: OpenCall): Promise<StoredResult> {
  const known = readResult(parts.known.get(call.index)?.result)
  if (known !== undefined) {
    show(parts, known.part)
    return known
  }
  return keep(parts, call, await outcomeOf(parts, call))
}

async function outcomeOf(parts: StepParts, { index, part }: OpenCall): Promise<ToolOutcome> {
  const { run, row, prepared, messageId, known, writer, signal } = parts
  const tool = prepared.tools.get(part.tool_name)
  if (tool === undefined) return refused(`There is no tool named ${part.tool_name}.`)
  if (!isJsonObject(part.args))
    return refused('The arguments are not a JSON object. Call the tool again with valid JSON.')
  const fault = faultOf(tool, part.args)
  if (fault !== undefined) return refused(fault)
  const resume = known.get(index)?.resume
  const { db } = run.parts.context.database
  try {
    return await tool.run(part.args, {
      toolCallId: part.tool_call_id,
      signal,
      resume: isJson(resume) && resume !== null ? resume : undefined,
      noteResume: (state) => storeResume(CHATD, db, row, { messageId, index }, state),
      noteDone: (tx, state) => storeDone(CHATD, tx, row, { messageId, index }, state),
      progress: (delta) =>
        writer.append('tool', {
          type: 'tool-result',
          tool_call_id: part.tool_call_id,
          tool_name: part.tool_name,
          result_delta: delta,
        }),
    })
  } catch (error) {
    signal.throwIfAborted()
    run.parts.context.log.warn('a tool of a chat failed', {
      chat_id: row.id,
      tool: part.tool_name,
      error: describeError(error),
    })
    return refused('The tool failed because of a fault in the server. It may work when it is tried again.')
  }
}

/** Shortens a result and stores it beside the chat until those of the other calls are there. */
async function keep(
  parts: StepParts,
  { index, part }: OpenCall,
  outcome: ToolOutcome,
): Promise<StoredResult> {
  const { run, row, prepared, messageId, signal } = parts
  signal.throwIfAborted()
  const { metrics, context } = run.parts
  const { config, provider } = prepared.model
  const short =
    outcome.isMedia === true
      ? { result: outcome.result, bytes: 0, truncated: false }
      : truncateResult(outcome.result, resultLimit(config.contextLimit))
  if (short.bytes > 0) metrics.resultBytes.observe(short.bytes)
  if (short.truncated) metrics.truncated.inc()
  if (outcome.isError === true) metrics.toolFailed(provider.name, config.model, part.tool_name)
  const result: StoredResult = {
    part: {
      type: 'tool-result',
      tool_call_id: part.tool_call_id,
      tool_name: part.tool_name,
      result: short.result,
      created_at: context.clock.now().toISOString(),
      ...(outcome.isError === true ? { is_error: true } : {}),
      ...(outcome.isMedia === true ? { is_media: true } : {}),
    },
    files: outcome.files ?? [],
  }
  await storeResult(CHATD, context.database.db, row, { messageId, index }, result)
  show(parts, result.part)
  return result
}

function show({ writer }: StepParts, part: ToolResultPart): void {
  const shown = wirePart(part)
  if (shown !== undefined) writer.append('tool', shown)
}

async function commitResults(
  { run, row, messageId }: StepParts,
  calls: readonly OpenCall[],
  results: ReadonlyMap<number, StoredResult>,
  signal: AbortSignal,
): Promise<void> {
  const ordered = calls.flatMap(({ index }) => results.get(index) ?? [])
  const files = ordered.flatMap((result) => result.files)
  const { result: rows, chat } = await run.commit(row, signal, async (locked, tx) => {
    const committed = await locked.commitStep(ordered.map(({ part }) => toolMessage(part)))
    if (files.length > 0) {
      await locked.addParts(messageId, files)
      await linkIfRoom(
        tx,
        row,
        files.flatMap((file) => file.file_id ?? []),
      )
    }
    await deleteToolCalls(CHATD, tx, locked.row)
    return committed
  })
  run.callsTools = false
  if (files.length > 0) run.forget()
  else run.remember(chat, rows)
}

function refused(error: string): ToolOutcome {
  return { isError: true, result: { error } }
}

/** Schemas that could be compiled; others judge their arguments themselves. */
const VALIDATORS = new WeakMap<object, Validator | null>()
const MAX_FAULTS = 5

/** What is wrong with arguments by the schema of their tool (CH-1101); undefined for nothing. */
function faultOf({ name, inputSchema }: ChatTool, args: Json): string | undefined {
  const validator = validatorOf(inputSchema)
  if (validator === null) return undefined
  const [valid, errors] = validator.Errors(args)
  if (valid) return undefined
  const faults = errors
    .slice(0, MAX_FAULTS)
    .map(({ instancePath, message }) => `${instancePath.slice(1).replaceAll('/', '.')} ${message}`.trim())
  return `Invalid arguments for ${name}: ${faults.join('; ')}`
}

function validatorOf(schema: object): Validator | null {
  const known = VALIDATORS.get(schema)
  if (known !== undefined) return known
  let made: Validator | null
  try {
    made = isCheapSchema(schema) ? Compile(schema) : null
  } catch {
    made = null
  }
  VALIDATORS.set(schema, made)
  return made
}

/** Gives up waiting when the signal is aborted; what was begun ends by itself. */
async function unlessAborted<T>(work: Promise<T>, signal: AbortSignal): Promise<T> {
  work.catch(() => undefined)
  signal.throwIfAborted()
  const { promise, reject } = Promise.withResolvers<never>()
  const abort = (): void => reject(signal.reason)
  signal.addEventListener('abort', abort, { once: true })
  try {
    return await Promise.race([work, promise])
  } finally {
    signal.removeEventListener('abort', abort)
  }
}
