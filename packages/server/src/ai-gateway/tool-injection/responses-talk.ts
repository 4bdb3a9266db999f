import { editMembers, type MemberChanges } from '../data-plane/json-members.ts'
import { at, list, parseJson, text } from '../wires/json.ts'
import type { InjectedTool } from './injected-tools.ts'
import type { SseEvent } from './sse-events.ts'
import {
  appended,
  type CallResult,
  type InjectedCall,
  type InjectedNames,
  type Round,
  type Talk,
  textOfResult,
} from './talk.ts'

/** Events of an answer that are held back, in characters. */
const MAX_HELD = 32 * 1024 * 1024

/**
 * Tools in the Responses API. Its events and its ids are kept as they came, and clients go on from the answer that they
 * know: so they get the last one alone, and it is held back until it is known to be that (AG-35).
 */
export class ResponsesTalk implements Talk {
  readonly keepAlive = ': keep-alive\n\n'
  readonly #tools: readonly InjectedTool[]
  readonly #names: InjectedNames

  constructor(tools: readonly InjectedTool[]) {
    this.#tools = tools
    this.#names = new Set(tools.map(({ name }) => name))
  }

  inject(body: string): string {
    const functions = this.#tools.map(({ name, description, inputSchema }) => ({
      type: 'function',
      name,
      description,
      parameters: inputSchema,
      strict: false,
    }))
    return editMembers(body, {
      tools: (before) => appended(before, functions),
      parallel_tool_calls: () => 'false',
    })
  }

  round(): Round {
    return new ResponsesRound(this.#names)
  }

  failure({ type, message }: { readonly type: string; readonly message: string }): string {
    const event = { type: 'error', code: type, message, param: null, sequence_number: 0 }
    return `event: error\ndata: ${JSON.stringify(event)}\n\n`
  }
}

class ResponsesRound implements Round {
  readonly #names: InjectedNames
  #held: string[] = []
  #length = 0
  #output: unknown[] = []
  #complete = false
  #whole = ''

  constructor(names: InjectedNames) {
    this.#names = names
  }

  event({ raw, data = '' }: SseEvent): string {
    this.#length += raw.length
    if (this.#length > MAX_HELD) throw new Error('an answer is too long')
    this.#held.push(raw)
    const event = parseJson(data)
    switch (at(event, 'type')) {
      case 'response.output_item.done':
        this.#output.push(at(event, 'item'))
        break
      case 'response.completed': {
        this.#complete = true
        const output = list(at(event, 'response', 'output'))
        if (output.length > 0) this.#output = [...output]
        break
      }
    }
    return ''
  }

  whole(body: string): void {
    this.#whole = body
    const parsed = parseJson(body)
    this.#complete = at(parsed, 'status') === 'completed' || at(parsed, 'status') === undefined
    this.#output = [...list(at(parsed, 'output'))]
  }

  calls(): readonly InjectedCall[] {
    if (!this.#complete) return []
    return this.#output
      .filter((item) => this.#isInjected(item))
      .map((item) => ({
        id: text(at(item, 'call_id')),
        name: text(at(item, 'name')),
        args: text(at(item, 'arguments')),
      }))
  }

  #isInjected(item: unknown): boolean {
    return at(item, 'type') === 'function_call' && this.#names.has(text(at(item, 'name')))
  }

  rest(): string {
    return this.#held.join('')
  }

  answer(): string {
    return this.#whole
  }

  next(results: readonly CallResult[]): MemberChanges {
    // What the model wants of the client it says again when it knows the results.
    const kept = this.#output.filter((item) => {
      const type = at(item, 'type')
      return (type !== 'function_call' && type !== 'custom_tool_call') || this.#isInjected(item)
    })
    const told = results.map((result) => ({
      type: 'function_call_output',
      call_id: result.call.id,
      output: result.isError ? `Error: ${textOfResult(result)}` : textOfResult(result),
    }))
    return { input: (before) => appended(inputOf(before), [...kept, ...told]) }
  }
}

/** The input as a list: a text is what the user says. */
function inputOf(input: string | undefined): string | undefined {
  return input?.startsWith('"') === true ? `[{"role":"user","content":${input}}]` : input
}
