import { editMembers, type MemberChanges } from '../data-plane/json-members.ts'
import { at, count, list, parseJson, text } from '../wires/json.ts'
import type { InjectedTool } from './injected-tools.ts'
import { type SseEvent, withData } from './sse-events.ts'
import {
  added,
  appended,
  type CallResult,
  cut,
  type InjectedCall,
  type InjectedNames,
  prepended,
  type Round,
  type Talk,
} from './talk.ts'

/** What all answers to one request have in common. */
interface Shared {
  readonly names: InjectedNames
  started: boolean
  /** Index of the next block that the client gets. */
  nextIndex: number
  /** Tokens of the answers before. */
  usage: unknown
}

/** Tools in the Messages API. */
export class MessagesTalk implements Talk {
  /** The relay sends pings (AG-41). */
  readonly keepAlive = undefined
  readonly #tools: readonly InjectedTool[]
  readonly #shared: Shared

  constructor(tools: readonly InjectedTool[]) {
    this.#tools = tools
    this.#shared = {
      names: new Set(tools.map(({ name }) => name)),
      started: false,
      nextIndex: 0,
      usage: undefined,
    }
  }

  inject(body: string): string {
    const ours = this.#tools.map(({ name, description, inputSchema }) => ({
      name,
      description,
      input_schema: inputSchema,
    }))
    const choice = at(parseJson(body), 'tool_choice', 'type')
    return editMembers(body, {
      // Before those of the client: the marks of its prompt cache stay where they are.
      tools: (before) => prepended(before, ours),
      ...(choice === 'none'
        ? {}
        : {
            tool_choice: (before) =>
              before?.startsWith('{') === true
                ? editMembers(before, {
                    type: (given = '"auto"') => given,
                    disable_parallel_tool_use: () => 'true',
                  })
                : '{"type":"auto","disable_parallel_tool_use":true}',
          }),
    })
  }

  round(): Round {
    return new MessagesRound(this.#shared)
  }

  failure(error: { readonly type: string; readonly message: string }): string {
    return `event: error\ndata: ${JSON.stringify({ type: 'error', error })}\n\n`
  }
}

interface Block {
  /** As it is sent back to the provider, but for the input of a tool. */
  readonly content: Record<string, unknown>
  /** JSON of the input. */
  input: string
  /** Index at the client; undefined for what it does not get. */
  readonly shown: number | undefined
  readonly kind: 'injected' | 'client' | 'other'
}

class MessagesRound implements Round {
  readonly #shared: Shared
  readonly #blocks = new Map<number, Block>()
  #usage: unknown
  #clientCalled = false
  #complete = false
  #failed = false
  #whole = ''

  constructor(shared: Shared) {
    this.#shared = shared
  }

  event(event: SseEvent): string {
    const { data } = event
    if (data === undefined) return event.raw
    const value = parseJson(data)
    switch (at(value, 'type')) {
      case 'message_start': {
        this.#usage = at(value, 'message', 'usage')
        const isFirst = !this.#shared.started
        this.#shared.started = true
        return isFirst ? event.raw : ''
      }
      case 'content_block_start':
        this.#begin(count(at(value, 'index')), at(value, 'content_block'))
        return this.#ofBlock(event, data, value)
      case 'content_block_delta':
        this.#grow(count(at(value, 'index')), at(value, 'delta'))
        return this.#ofBlock(event, data, value)
      case 'content_block_stop':
        return this.#ofBlock(event, data, value)
      case 'message_delta':
        return this.#ending(event, data, at(value, 'usage'))
      case 'message_stop':
        this.#complete = true
        return this.#goesOn ? '' : event.raw
      case 'error':
        this.#failed = true
        return event.raw
      default:
        return event.raw
    }
  }

  #begin(index: number, content: unknown): void {
    const kind =
      at(content, 'type') !== 'tool_use'
        ? 'other'
        : this.#shared.names.has(text(at(content, 'name')))
          ? 'injected'
          : 'client'
    // After an injected call the model is asked again; what it wants of the client it says again then.
    const isShown = kind === 'other' || (kind === 'client' && !this.#goesOn)
    if (kind === 'client' && isShown) this.#clientCalled = true
    this.#blocks.set(index, {
      content: { ...Object(content) },
      input: '',
      shown: isShown ? this.#shared.nextIndex++ : undefined,
      kind,
    })
  }

  #grow(index: number, delta: unknown): void {
    const block = this.#blocks.get(index)
    if (block === undefined) return
    block.input += text(at(delta, 'partial_json'))
    for (const name of ['text', 'thinking', 'signature']) {
      const piece = text(at(delta, name))
      if (piece !== '') block.content[name] = text(block.content[name]) + piece
    }
    const citation = at(delta, 'citation')
    if (citation !== undefined) block.content.citations = [...list(block.content.citations), citation]
  }

  #ofBlock(event: SseEvent, data: string, value: unknown): string {
    const index = count(at(value, 'index'))
    const block = this.#blocks.get(index)
    if (block === undefined) return event.raw
    if (block.shown === undefined) return ''
    if (block.shown === index) return event.raw
    const shown = String(block.shown)
    return withData(event, editMembers(data, { index: () => shown }))
  }

  #ending(event: SseEvent, data: string, usage: unknown): string {
    this.#usage = { ...Object(this.#usage), ...Object(usage) }
    if (this.#goesOn) return ''
    const before = count(at(this.#shared.usage, 'output_tokens'))
    if (before === 0) return event.raw
    const tokens = String(before + count(at(usage, 'output_tokens')))
    return withData(
      event,
      editMembers(data, {
        usage: (given = '{}') =>
          given.startsWith('{') ? editMembers(given, { output_tokens: () => tokens }) : given,
      }),
    )
  }

  /** Whether the provider is asked again: an injected tool was chosen before the client had any call. */
  get #goesOn(): boolean {
    return !this.#clientCalled && [...this.#blocks.values()].some(({ kind }) => kind === 'injected')
  }

  whole(body: string): void {
    this.#whole = body
    const parsed = parseJson(body)
    this.#usage = at(parsed, 'usage')
    this.#complete = at(parsed, 'content') !== undefined
    for (const [index, content] of list(at(parsed, 'content')).entries()) {
      const isCall = at(content, 'type') === 'tool_use'
      this.#blocks.set(index, {
        content: { ...Object(content) },
        input: isCall ? JSON.stringify(at(content, 'input') ?? {}) : '',
        shown: undefined,
        kind: isCall ? (this.#shared.names.has(text(at(content, 'name'))) ? 'injected' : 'client') : 'other',
      })
    }
  }

  calls(): readonly InjectedCall[] {
    if (!this.#complete || this.#failed || !this.#goesOn) return []
    return [...this.#blocks.values()]
      .filter(({ kind }) => kind === 'injected')
      .map(({ content, input }) => ({
        id: text(content.id),
        name: text(content.name),
        args: input === '' ? '{}' : input,
      }))
  }

  rest(): string {
    return ''
  }

  answer(): string {
    if (this.#shared.usage === undefined) return this.#whole
    return editMembers(this.#whole, {
      usage: () => JSON.stringify(added(this.#shared.usage, this.#usage)),
    })
  }

  next(results: readonly CallResult[]): MemberChanges {
    this.#shared.usage = added(this.#shared.usage, this.#usage)
    const content = [...this.#blocks.values()]
      .filter(({ kind }) => kind !== 'client')
      // An empty text is refused.
      .filter((block) => block.content.type !== 'text' || block.content.text !== '')
      .map(({ content: block, input }) =>
        input === '' ? block : { ...block, input: parseJson(input) ?? {} },
      )
    const told = results.map((result) => ({
      type: 'tool_result',
      tool_use_id: result.call.id,
      content: result.content.map(partOf),
      ...(result.isError ? { is_error: true } : {}),
    }))
    return {
      messages: (before) =>
        appended(before, [
          { role: 'assistant', content },
          { role: 'user', content: told },
        ]),
    }
  }
}

/** Part of a result as this API has it. */
function partOf(part: Readonly<Record<string, unknown>>): unknown {
  if (part.type === 'image' && typeof part.data === 'string' && typeof part.mimeType === 'string')
    return { type: 'image', source: { type: 'base64', media_type: part.mimeType, data: part.data } }
  if (typeof part.text === 'string') return { type: 'text', text: cut(part.text) }
  const resource = at(part, 'resource', 'text')
  return { type: 'text', text: typeof resource === 'string' ? cut(resource) : `[${String(part.type)}]` }
}
