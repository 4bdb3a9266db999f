import { textOf } from './chat-store.ts'
import type { Row, ToolCall } from './rows.ts'
import { argsOf, resultOf, text } from './tool-data.ts'

/** One place where the text is: the row, and which of its places it is, from 0. */
export interface Place {
  readonly row: string
  readonly nth: number
}

/** More places than anybody goes through are not counted. */
const MOST = 1000
/** Output beyond that is not shown at once either. */
const MOST_CHARACTERS = 200_000

const texts = new WeakMap<Row, string>()

/** Where `wanted` is in rows, from the first to the last; upper and lower case are the same. */
export function findInRows(rows: readonly Row[], wanted: string): readonly Place[] {
  const needle = wanted.toLowerCase()
  if (needle === '') return []
  const places: Place[] = []
  for (const row of rows) {
    let known = texts.get(row)
    if (known === undefined) {
      known = textOfRow(row).slice(0, MOST_CHARACTERS).toLowerCase()
      texts.set(row, known)
    }
    let nth = 0
    for (let at = known.indexOf(needle); at !== -1; at = known.indexOf(needle, at + needle.length)) {
      places.push({ row: row.key, nth: nth++ })
      if (places.length === MOST) return places
    }
  }
  return places
}

/** The row that a link to a message leads to. */
export function rowOfMessage(rows: readonly Row[], message: number): number {
  const at = rows.findIndex(
    (row) => row.key === `m${message}` || row.key.startsWith(`m${message}:`) || endsWith(row, message),
  )
  return at
}

function endsWith(row: Row, message: number): boolean {
  return row.kind === 'end' && row.turn.last.id === message
}

function textOfRow(row: Row): string {
  switch (row.kind) {
    case 'user':
      return textOf(row.message.content)
    case 'pending':
      return row.pending.text
    case 'text':
    case 'notice':
      return row.text
    case 'reasoning':
      return row.part.text ?? ''
    case 'tools':
      return row.calls.map(textOfCall).join('\n')
    case 'sources':
    case 'files':
      return row.parts.map(({ title, url, name }) => title ?? url ?? name ?? '').join('\n')
    default:
      return ''
  }
}

function textOfCall(call: ToolCall): string {
  const args = argsOf(call)
  const result = resultOf(call)
  return [text(args, 'command'), text(args, 'path'), text(result, 'output'), text(result, 'report')]
    .filter((part) => part !== undefined)
    .join('\n')
}
