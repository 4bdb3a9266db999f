import type { ChatMessagePart, ChatMessageUsage } from '@slipway/contract'
import type { Json, Part, ReasoningPart, TextPart, ToolCallPart } from '../../chats/index.ts'
import { isJson, parseJson } from './json.ts'
import type { StreamPart } from './language-model.ts'
import { parsedCommands } from './parsed-commands.ts'

/** Characters of everything that one answer may hold. */
const MAX_CHARACTERS = 16 * 1024 * 1024
/** Of the id of a call; providers give some dozens. */
const MAX_ID_CHARACTERS = 256

interface OpenText {
  readonly type: 'text'
  text: string
}
interface OpenReasoning {
  readonly type: 'reasoning'
  text: string
  readonly created_at: string
  completed_at?: string
  metadata?: Json
}
/** What grows with each piece, beside what comes whole. */
type Block = OpenText | OpenReasoning | Exclude<Part, TextPart | ReasoningPart>

/** What an answer needs to know of the rest of the conversation. */
export interface AnswerContext {
  readonly now: () => Date
  /** Ids that earlier calls have; a provider may give them again. */
  readonly usedIds: ReadonlySet<string>
  /** The outside server that a tool belongs to. */
  readonly serverOf: (toolName: string) => string | undefined
  /** Takes each piece as clients see it (CH-908). */
  readonly show: (part: ChatMessagePart) => void
}

/** An answer of a model as it comes in, from which both what clients see and what is stored are made (CH-706). */
export class Answer {
  readonly #context: AnswerContext
  readonly #blocks: Block[] = []
  readonly #open = new Map<string, OpenText | OpenReasoning>()
  /** Ids under which calls are stored, by those that the provider gives. */
  readonly #calls = new Map<
    string,
    { readonly id: string; readonly name: string; readonly startedAt: string }
  >()
  readonly #ids: Set<string>
  #characters = 0

  constructor(context: AnswerContext) {
    this.#context = context
    this.#ids = new Set(context.usedIds)
  }

  /** Takes the next piece of a stream. @throws Error when the answer gets too large to be kept. */
  add(piece: StreamPart): void {
    switch (piece.type) {
      case 'text-delta':
        this.#text(piece.id, piece.delta)
        break
      case 'reasoning-start':
        this.#reasoning(piece.id, '', piece.providerMetadata)
        break
      case 'reasoning-delta':
        this.#reasoning(piece.id, piece.delta, piece.providerMetadata)
        break
      case 'reasoning-end': {
        const block = this.#reasoning(piece.id, '', piece.providerMetadata)
        block.completed_at = this.#now()
        this.#open.delete(piece.id)
        break
      }
      case 'text-end':
        this.#open.delete(piece.id)
        break
      case 'tool-input-start':
        this.#calls.set(piece.id, {
          id: this.#freshId(piece.id),
          name: piece.toolName,
          startedAt: this.#now(),
        })
        break
      case 'tool-input-delta': {
        const call = this.#calls.get(piece.id)
        if (call === undefined || piece.delta === '') break
        this.#count(piece.delta)
        this.#context.show({
          type: 'tool-call',
          tool_call_id: call.id,
          tool_name: call.name,
          args_delta: piece.delta,
        })
        break
      }
      case 'tool-call':
        this.#call(piece)
        break
      case 'tool-result':
        if (piece.preliminary !== true) this.#providerResult(piece)
        break
      case 'source':
        if (piece.sourceType === 'url') this.#source(piece.id, piece.url, piece.title)
        break
      case 'file':
        this.#file(piece)
        break
      case 'text-start':
      case 'tool-input-end':
      case 'tool-approval-request':
      case 'custom':
      case 'reasoning-file':
      case 'stream-start':
      case 'response-metadata':
      case 'finish':
      case 'raw':
      case 'error':
        break
    }
  }

  /** Tells the user something that the model does not hear of (B-7). */
  notice(text: string): void {
    this.#blocks.push({ type: 'hook-notice', text })
    this.#context.show({ type: 'hook-notice', text })
  }

  /** Everything that was said, in order; what is empty and says nothing to the provider is left out. */
  parts(): readonly Part[] {
    return this.#blocks.flatMap((block): readonly Part[] => {
      switch (block.type) {
        case 'text':
          return block.text === '' ? [] : [{ type: 'text', text: block.text }]
        case 'reasoning':
          return this.#reasoningPart(block)
        default:
          return [block]
      }
    })
  }

  #reasoningPart({ text, created_at, completed_at, metadata }: OpenReasoning): readonly Part[] {
    if (text === '' && metadata === undefined) return []
    return [
      {
        type: 'reasoning',
        text,
        created_at,
        completed_at: completed_at ?? this.#now(),
        ...(metadata === undefined ? {} : { provider_metadata: metadata }),
      },
    ]
  }

  #text(id: string, delta: string): void {
    if (delta === '') return
    this.#count(delta)
    let block = this.#open.get(id)
    if (block?.type !== 'text') {
      block = { type: 'text', text: '' }
      this.#open.set(id, block)
      this.#blocks.push(block)
    }
    block.text += delta
    this.#context.show({ type: 'text', text: delta })
  }

  #reasoning(id: string, delta: string, metadata: unknown): OpenReasoning {
    let block = this.#open.get(id)
    if (block?.type !== 'reasoning') {
      block = { type: 'reasoning', text: '', created_at: this.#now() }
      this.#open.set(id, block)
      this.#blocks.push(block)
    }
    if (isJson(metadata) && metadata !== null) block.metadata = merged(block.metadata, metadata)
    if (delta !== '') {
      this.#count(delta)
      block.text += delta
      this.#context.show({ type: 'reasoning', text: delta, created_at: block.created_at })
    }
    return block
  }

  #call(piece: Extract<StreamPart, { readonly type: 'tool-call' }>): void {
    const started = this.#calls.get(piece.toolCallId)
    // The same id again is another call.
    this.#calls.delete(piece.toolCallId)
    if (started === undefined) this.#count(piece.input)
    const id = started?.id ?? this.#freshId(piece.toolCallId)
    if (piece.providerExecuted === true)
      this.#calls.set(piece.toolCallId, { id, name: piece.toolName, startedAt: this.#now() })
    const args = piece.input.trim() === '' ? {} : (parseJson(piece.input) ?? piece.input)
    const server = this.#context.serverOf(piece.toolName)
    const commands = piece.toolName === 'execute' ? commandsOf(args) : undefined
    const part: ToolCallPart = {
      type: 'tool-call',
      tool_call_id: id,
      tool_name: piece.toolName,
      args,
      created_at: this.#now(),
      ...(server === undefined ? {} : { mcp_server_config_id: server }),
      ...(commands === undefined ? {} : { parsed_commands: commands }),
      ...(piece.providerExecuted === true ? { provider_executed: true } : {}),
    }
    this.#blocks.push(
      isJson(piece.providerMetadata) && piece.providerMetadata !== null
        ? { ...part, provider_metadata: piece.providerMetadata }
        : part,
    )
    const { parsed_commands, ...shown } = part
    this.#context.show(
      parsed_commands === undefined
        ? shown
        : { ...shown, parsed_commands: parsed_commands.map((words) => [...words]) },
    )
  }

  #providerResult(piece: Extract<StreamPart, { readonly type: 'tool-result' }>): void {
    const result: Json = isJson(piece.result) ? piece.result : String(piece.result)
    this.#count(JSON.stringify(result))
    const part = {
      type: 'tool-result' as const,
      tool_call_id: this.#calls.get(piece.toolCallId)?.id ?? piece.toolCallId,
      tool_name: piece.toolName,
      result,
      created_at: this.#now(),
      ...(piece.isError === true ? { is_error: true } : {}),
      provider_executed: true,
    }
    this.#blocks.push(
      isJson(piece.providerMetadata) && piece.providerMetadata !== null
        ? { ...part, provider_metadata: piece.providerMetadata }
        : part,
    )
    this.#context.show(part)
  }

  #source(id: string, url: string, title: string | undefined): void {
    this.#count(url)
    const part: Extract<Part, { readonly type: 'source' }> = {
      type: 'source',
      source_id: id,
      url,
      ...(title === undefined ? {} : { title }),
    }
    this.#blocks.push(part)
    this.#context.show({ ...part })
  }

  #file({ mediaType, data }: Extract<StreamPart, { readonly type: 'file' }>): void {
    if (data.type !== 'data') return
    const base64 = typeof data.data === 'string' ? data.data : Buffer.from(data.data).toString('base64')
    this.#count(base64)
    this.#blocks.push({ type: 'file', media_type: mediaType, data: base64 })
    this.#context.show({ type: 'file', media_type: mediaType })
  }

  /** The id itself, or one like it while that is another call's. */
  #freshId(given: string): string {
    // As it is stored, beside the message too.
    const wanted = given.slice(0, MAX_ID_CHARACTERS).replaceAll('\0', '\uFFFD').toWellFormed()
    let id = wanted
    for (let n = 2; id === '' || this.#ids.has(id); n += 1) id = `${wanted === '' ? 'call' : wanted}-${n}`
    this.#ids.add(id)
    return id
  }

  #count(text: string): void {
    this.#characters += text.length
    if (this.#characters > MAX_CHARACTERS)
      throw new Error(`the answer has more than ${MAX_CHARACTERS} characters`)
  }

  #now(): string {
    return this.#context.now().toISOString()
  }
}

/** Whether an answer has anything that a client or a tool can do something with. */
export function saysSomething(parts: readonly Part[]): boolean {
  return parts.some((part) => part.type !== 'reasoning' && part.type !== 'hook-notice')
}

/** Tokens as they are stored: input is what came from no cache (CH-801). */
export function usageOf(
  usage: Extract<StreamPart, { readonly type: 'finish' }>['usage'] | undefined,
  contextLimit: number,
): ChatMessageUsage {
  if (usage === undefined) return { context_limit: contextLimit }
  const { inputTokens: input, outputTokens: output } = usage
  const cached = (input.cacheRead ?? 0) + (input.cacheWrite ?? 0)
  const fresh = input.noCache ?? (input.total === undefined ? undefined : Math.max(0, input.total - cached))
  const total =
    input.total === undefined && output.total === undefined
      ? undefined
      : (input.total ?? 0) + (output.total ?? 0)
  return {
    ...(fresh === undefined ? {} : { input_tokens: fresh }),
    ...(output.total === undefined ? {} : { output_tokens: output.total }),
    ...(total === undefined ? {} : { total_tokens: total }),
    ...(output.reasoning === undefined ? {} : { reasoning_tokens: output.reasoning }),
    ...(input.cacheWrite === undefined ? {} : { cache_creation_tokens: input.cacheWrite }),
    ...(input.cacheRead === undefined ? {} : { cache_read_tokens: input.cacheRead }),
    context_limit: contextLimit,
  }
}

/** What a provider said of a block at several times, by provider. */
function merged(before: Json | undefined, now: Json): Json {
  if (!isObject(before) || !isObject(now)) return now
  const all: Record<string, Json> = { ...before }
  for (const [provider, value] of Object.entries(now)) {
    const known = all[provider]
    all[provider] = isObject(known) && isObject(value) ? { ...known, ...value } : value
  }
  return all
}

function isObject(value: Json | undefined): value is { readonly [member: string]: Json } {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

function commandsOf(args: Json): readonly (readonly string[])[] | undefined {
  return isObject(args) && typeof args.command === 'string' ? parsedCommands(args.command) : undefined
}
