import type { ChatMessage, ChatMessagePart } from '@slipway/contract'
import type { ChatState, PendingMessage } from './chat-store.ts'
import { splitAnswer } from './split-answer.ts'

/** A call of a tool with its result, as far as they are there. */
export interface ToolCall {
  readonly id: string
  readonly name: string
  readonly call: ChatMessagePart | undefined
  readonly result: ChatMessagePart | undefined
}

/** What the model did between two messages of the user: for the actions under it. */
export interface Turn {
  readonly text: string
  readonly last: ChatMessage
  readonly outputTokens: number
}

/** One row of a conversation: what is windowed, measured and rendered by itself. Keys stay when more comes. */
export type Row =
  | { readonly kind: 'user'; readonly key: string; readonly message: ChatMessage }
  | { readonly kind: 'pending'; readonly key: string; readonly pending: PendingMessage }
  | { readonly kind: 'text'; readonly key: string; readonly text: string; readonly live: boolean }
  | {
      readonly kind: 'reasoning'
      readonly key: string
      readonly part: ChatMessagePart
      readonly live: boolean
    }
  | { readonly kind: 'tools'; readonly key: string; readonly calls: readonly ToolCall[] }
  | { readonly kind: 'sources' | 'files'; readonly key: string; readonly parts: readonly ChatMessagePart[] }
  | { readonly kind: 'notice'; readonly key: string; readonly text: string }
  | { readonly kind: 'end'; readonly key: string; readonly turn: Turn }

/** Reads of files in a row are one row. */
const FOLDED = 'read_file'

/** Builds rows, and hands out the same object for a row that has not changed, so that it is not rendered again. */
export class RowBuilder {
  #settled: Known = { rows: [], byKey: new Map() }
  #live: Known = { rows: [], byKey: new Map() }
  /** Calls that have a settled row. */
  #placed: ReadonlySet<string> = new Set()
  #for: readonly [ChatState['messages'], ChatState['previewOf'], boolean, boolean] | undefined
  #results: readonly ChatMessagePart[] = []

  /** All rows of a chat; `idle` when the model is not at work. */
  build(chat: ChatState, idle: boolean): readonly Row[] {
    const { messages, previewOf, hasOlder } = chat
    const [formerMessages, formerPreviews, formerIdle, formerOlder] = this.#for ?? []
    const results = chat.preview.parts.filter(({ type }) => type === 'tool-result')
    if (
      formerMessages !== messages ||
      formerPreviews !== previewOf ||
      formerIdle !== idle ||
      formerOlder !== hasOlder ||
      !equalValues(this.#results, results)
    ) {
      const known = (key: string) => this.#settled.byKey.get(key) ?? this.#live.byKey.get(key)
      this.#settled = remembered(settledRows(chat, idle, results), known)
      this.#placed = new Set(
        this.#settled.rows.flatMap((row) => (row.kind === 'tools' ? row.calls.map(({ id }) => id) : [])),
      )
      this.#for = [messages, previewOf, idle, hasOlder]
      this.#results = results
    }
    const live = liveRows(chat, this.#placed)
    if (live.length === 0) {
      this.#live = { rows: [], byKey: new Map() }
      return this.#settled.rows
    }
    const last = this.#settled.rows.at(-1)
    // Reads of files go on in the row that they began in.
    const joined = last === undefined ? [] : [last]
    for (const row of live) push(joined, row)
    this.#live = remembered(joined, (key) => this.#live.byKey.get(key) ?? this.#settled.byKey.get(key))
    return [...this.#settled.rows.slice(0, last === undefined ? undefined : -1), ...this.#live.rows]
  }
}

interface Known {
  readonly rows: readonly Row[]
  readonly byKey: ReadonlyMap<string, Row>
}

function remembered(rows: readonly Row[], knownOf: (key: string) => Row | undefined): Known {
  const kept = rows.map((row) => {
    const known = knownOf(row.key)
    return known !== undefined && (known === row || equalRows(known, row)) ? known : row
  })
  return { rows: kept, byKey: new Map(kept.map((row) => [row.key, row])) }
}

function equalRows(a: Row, b: Row): boolean {
  const left = Object.entries(a)
  const right = new Map(Object.entries(b))
  return left.length === right.size && left.every(([name, value]) => equalValues(value, right.get(name)))
}

function equalValues(a: unknown, b: unknown): boolean {
  if (a === b) return true
  if (Array.isArray(a) && Array.isArray(b))
    return a.length === b.length && a.every((value, index) => equalValues(value, b[index]))
  if (!isPlain(a) || !isPlain(b)) return false
  // Messages and their parts are replaced when they change; what rows make of them is one level deep.
  const names = Object.keys(a)
  return names.length === Object.keys(b).length && names.every((name) => a[name] === b[name])
}

function isPlain(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null
}

/** @param live results that are not committed yet, of calls that are. */
function settledRows(
  { messages, previewOf, hasOlder }: ChatState,
  idle: boolean,
  live: readonly ChatMessagePart[],
): Row[] {
  // What is committed comes last, and so is what counts.
  const results = resultsByCall([...live, ...messages.flatMap(({ content }) => content)])
  const rows: Row[] = []
  // The call of a result may be on a page that is not here yet: the row comes with it, above what is read.
  const placed = new Set(hasOlder ? resultsWithoutCall(messages) : [])
  let turn: ChatMessage[] = []
  const endTurn = () => {
    const last = turn.findLast(({ role }) => role === 'assistant')
    const end = last === undefined ? undefined : turnOf(turn, last)
    if (last !== undefined && end !== undefined && end.text !== '')
      rows.push({ kind: 'end', key: `m${last.id}:end`, turn: end })
    turn = []
  }
  for (const message of messages) {
    if (message.role === 'user') {
      endTurn()
      rows.push({ kind: 'user', key: `m${message.id}`, message })
      continue
    }
    if (message.role === 'system') continue
    turn.push(message)
    const preview = previewOf.get(message.id)
    addParts(rows, message.content, preview === undefined ? `m${message.id}` : `p${preview}`, {
      live: false,
      resultOf: (id) => results.get(id),
      placed,
    })
  }
  if (idle) endTurn()
  return rows
}

function resultsWithoutCall(messages: readonly ChatMessage[]): readonly string[] {
  const calls = new Set<string>()
  const results: string[] = []
  for (const { content } of messages)
    for (const { type, tool_call_id: id } of content) {
      if (id === undefined) continue
      if (type === 'tool-call') calls.add(id)
      else if (type === 'tool-result' && !calls.has(id)) results.push(id)
    }
  return results
}

function turnOf(messages: readonly ChatMessage[], last: ChatMessage): Turn {
  const answers = messages.filter(({ role }) => role === 'assistant')
  const text = answers
    .flatMap(({ content }) => content.filter(({ type }) => type === 'text').map((part) => part.text ?? ''))
    .join('\n\n')
  const outputTokens = answers.reduce((sum, { usage }) => sum + (usage?.output_tokens ?? 0), 0)
  return { text, last, outputTokens }
}

function resultsByCall(parts: readonly ChatMessagePart[]): ReadonlyMap<string, ChatMessagePart> {
  return new Map(
    parts.flatMap((part) =>
      part.type === 'tool-result' && part.tool_call_id !== undefined ? [[part.tool_call_id, part]] : [],
    ),
  )
}

/** @param settled calls that have a row already; it shows their results. */
function liveRows({ preview, previewKey, pending }: ChatState, settled: ReadonlySet<string>): Row[] {
  const rows: Row[] = []
  const results = resultsByCall(preview.parts)
  addParts(rows, preview.parts, `p${previewKey}`, {
    live: true,
    resultOf: (id) => results.get(id),
    placed: new Set(settled),
  })
  for (const message of pending) rows.push({ kind: 'pending', key: message.key, pending: message })
  return rows
}

interface PartsOptions {
  readonly live: boolean
  readonly resultOf: (id: string) => ChatMessagePart | undefined
  /** Calls that have a row already. */
  readonly placed: Set<string>
}

function addParts(
  rows: Row[],
  parts: readonly ChatMessagePart[],
  base: string,
  { live, resultOf, placed }: PartsOptions,
): void {
  let texts = 0
  const group = (kind: 'sources' | 'files', part: ChatMessagePart) => {
    const last = rows.at(-1)
    if (last?.kind === kind && last.key.startsWith(`${base}:`))
      rows[rows.length - 1] = { ...last, parts: [...last.parts, part] }
    else rows.push({ kind, key: `${base}:${kind}${texts}`, parts: [part] })
  }
  parts.forEach((part, index) => {
    const open = live && index === parts.length - 1
    switch (part.type) {
      case 'text':
        if ((part.text ?? '').trim() !== '') {
          const key = `${base}:${texts++}`
          const pieces = open ? [part.text ?? ''] : splitAnswer(part.text ?? '')
          pieces.forEach((text, piece) => {
            rows.push({ kind: 'text', key: piece === 0 ? key : `${key}.${piece}`, text, live: open })
          })
        }
        return
      case 'reasoning':
        if ((part.text ?? '').trim() !== '')
          rows.push({ kind: 'reasoning', key: `${base}:r${texts++}`, part, live: open })
        return
      case 'tool-call':
      case 'tool-result': {
        const id = part.tool_call_id ?? `${base}:${index}`
        if (placed.has(id)) return
        placed.add(id)
        const call = part.type === 'tool-call' ? part : undefined
        const result = call === undefined ? part : resultOf(id)
        push(rows, {
          kind: 'tools',
          key: `t:${id}`,
          calls: [{ id, name: part.tool_name ?? 'tool', call, result }],
        })
        return
      }
      case 'source':
        group('sources', part)
        return
      case 'file':
        group('files', part)
        return
      case 'hook-notice':
        rows.push({ kind: 'notice', key: `${base}:n${texts++}`, text: part.text ?? '' })
        return
      default:
        return
    }
  })
}

function push(rows: Row[], row: Row): void {
  const last = rows.at(-1)
  const folds = (one: Row | undefined) =>
    one?.kind === 'tools' &&
    one.calls.every(({ name, result }) => name === FOLDED && result?.is_error !== true)
  if (last?.kind === 'tools' && row.kind === 'tools' && folds(last) && folds(row))
    rows[rows.length - 1] = { ...last, calls: [...last.calls, ...row.calls] }
  else rows.push(row)
}
