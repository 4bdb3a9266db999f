import { editMembers, type MemberChanges } from '../data-plane/json-members.ts'
import { at, count, list, parseJson, text } from '../wires/json.ts'
import type { InjectedTool } from './injected-tools.ts'
import { type SseEvent, withData } from './sse-events.ts'
import {
  added,
  appended,
  type CallResult,
  type InjectedCall,
  type InjectedNames,
  type Round,
  type Talk,
  textOfResult,
} from './talk.ts'

/** What all answers to one request have in common. */
interface Shared {
  readonly names: InjectedNames
  /** Id of the first answer, which stands in all pieces of the stream. */
  id: string
  /** Tokens of the answers before. */
  usage: unknown
  rounds: number
}

/** Tools in the chat completions API. */
export class ChatTalk implements Talk {
  readonly keepAlive = ': keep-alive\n\n'
  readonly #tools: readonly InjectedTool[]
  readonly #shared: Shared

  constructor(tools: readonly InjectedTool[]) {
    this.#tools = tools
    this.#shared = { names: new Set(tools.map(({ name }) => name)), id: '', usage: undefined, rounds: 0 }
  }

  inject(body: string): string {
    const functions = this.#tools.map(({ name, description, inputSchema }) => ({
      type: 'function',
      function: { name, description, parameters: inputSchema, strict: false },
    }))
    return editMembers(body, {
      tools: (before) => appended(before, functions),
      parallel_tool_calls: () => 'false',
    })
  }

  round(): Round {
    this.#shared.rounds += 1
    return new ChatRound(this.#shared)
  }

  failure({ type, message }: { readonly type: string; readonly message: string }): string {
    return `data: ${JSON.stringify({ error: { type, code: type, message, param: null } })}\n\n`
  }
}

interface Call {
  id: string
  name: string
  args: string
  /** Members beside those, such as the signature of a thought. */
  more: Readonly<Record<string, unknown>>
  /** Place among those that the client gets; undefined for what it does not get. */
  readonly shown: number | undefined
  readonly injected: boolean
}

class ChatRound implements Round {
  readonly #shared: Shared
  readonly #first: boolean
  readonly #calls = new Map<number, Call>()
  #content = ''
  #reasoning = ''
  #usage: unknown
  #shown = 0
  #finished = false
  #failed = false
  #whole = ''

  constructor(shared: Shared) {
    this.#shared = shared
    this.#first = shared.rounds === 1
  }

  event(event: SseEvent): string {
    const { data } = event
    if (data === undefined) return event.raw
    if (data === '[DONE]') return this.#goesOn ? '' : event.raw
    const chunk = parseJson(data)
    if (typeof chunk !== 'object' || chunk === null) return event.raw
    if (at(chunk, 'error') !== undefined) {
      this.#failed = true
      return event.raw
    }
    this.#shared.id ||= text(at(chunk, 'id'))
    const usage = at(chunk, 'usage')
    if (typeof usage === 'object' && usage !== null) this.#usage = usage
    const changes: Record<string, MemberChanges[string]> = {}
    if (!this.#first && this.#shared.id !== '') changes.id = () => JSON.stringify(this.#shared.id)
    if (this.#usage !== undefined && usage === this.#usage && this.#shared.usage !== undefined)
      changes.usage = () => JSON.stringify(added(this.#shared.usage, usage))
    const choices = list(at(chunk, 'choices'))
    const choice = choices[0]
    if (choice === undefined) {
      if (this.#goesOn) return ''
    } else {
      const changed = this.#choice(choice)
      if (changed === undefined) return ''
      if (changed !== choice) changes.choices = () => JSON.stringify([changed])
    }
    return Object.keys(changes).length === 0 ? event.raw : withData(event, editMembers(data, changes))
  }

  /** A choice as the client gets it: itself, or without what is withheld; undefined when nothing is left. */
  #choice(choice: unknown): unknown {
    const delta = at(choice, 'delta')
    const finish = at(choice, 'finish_reason')
    this.#content += text(at(delta, 'content'))
    this.#reasoning += text(at(delta, 'reasoning_content'))
    const calls = list(at(delta, 'tool_calls'))
    const shown = calls.flatMap((call) => this.#callPiece(call))
    if (typeof finish === 'string') this.#finished = true
    const isShown =
      shown.length > 0 || text(at(delta, 'content')) !== '' || text(at(delta, 'reasoning_content')) !== ''
    if (calls.length === 0) {
      if (typeof finish === 'string' && this.#goesOn)
        return isShown ? { ...Object(choice), finish_reason: null } : undefined
      // The role was said already.
      const saysRole = text(at(delta, 'role')) !== '' && typeof finish !== 'string'
      return !this.#first && saysRole && !isShown ? undefined : choice
    }
    if (shown.length === calls.length && shown.every((call, index) => call === calls[index])) return choice
    const { tool_calls: _, ...rest } = Object(delta)
    const goesOn = this.#goesOn
    if (shown.length === 0 && !isShown && (goesOn || typeof finish !== 'string')) return undefined
    return {
      ...Object(choice),
      delta: { ...rest, ...(shown.length === 0 ? {} : { tool_calls: shown }) },
      ...(goesOn ? { finish_reason: null } : {}),
    }
  }

  /** A piece of a call, with its place among those that the client gets; nothing of what it does not get. */
  #callPiece(piece: unknown): unknown[] {
    const index = count(at(piece, 'index'))
    let call = this.#calls.get(index)
    const { index: _, id, function: fn, type: __, ...more } = Object(piece)
    if (call === undefined) {
      const name = text(at(fn, 'name'))
      const injected = this.#shared.names.has(name)
      // After an injected call the model is asked again; what it wants of the client it says again then.
      const shown = injected || this.#goesOn ? undefined : this.#shown++
      call = { id: '', name, args: '', more, shown, injected }
      this.#calls.set(index, call)
    }
    call.id ||= text(id)
    call.args += text(at(fn, 'arguments'))
    call.more = { ...call.more, ...more }
    if (call.shown === undefined) return []
    return [call.shown === index ? piece : { ...Object(piece), index: call.shown }]
  }

  /** Whether the provider is asked again: an injected tool was chosen before the client had any call. */
  get #goesOn(): boolean {
    return this.#shown === 0 && [...this.#calls.values()].some(({ injected }) => injected)
  }

  whole(body: string): void {
    this.#whole = body
    const parsed = parseJson(body)
    const message = at(list(at(parsed, 'choices'))[0], 'message')
    this.#finished = message !== undefined
    this.#content = text(at(message, 'content'))
    this.#reasoning = text(at(message, 'reasoning_content'))
    this.#usage = at(parsed, 'usage')
    for (const [index, given] of list(at(message, 'tool_calls')).entries()) {
      const { id, function: fn, type: _, ...more } = Object(given)
      const name = text(at(fn, 'name'))
      const injected = this.#shared.names.has(name)
      this.#calls.set(index, {
        id: text(id),
        name,
        args: text(at(fn, 'arguments')),
        more,
        shown: undefined,
        injected,
      })
    }
  }

  calls(): readonly InjectedCall[] {
    if (!this.#finished || this.#failed || !this.#goesOn) return []
    return [...this.#calls.values()].filter(({ injected }) => injected)
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
    const chosen = [...this.#calls.values()].filter(({ injected }) => injected)
    const assistant = {
      role: 'assistant',
      content: this.#content === '' ? null : this.#content,
      ...(this.#reasoning === '' ? {} : { reasoning_content: this.#reasoning }),
      tool_calls: chosen.map(({ id, name, args, more }) => ({
        ...more,
        id,
        type: 'function',
        function: { name, arguments: args },
      })),
    }
    const told = results.map((result) => ({
      role: 'tool',
      tool_call_id: result.call.id,
      content: result.isError
        ? JSON.stringify({ error: true, message: textOfResult(result) })
        : textOfResult(result),
    }))
    return { messages: (before) => appended(before, [assistant, ...told]) }
  }
}
