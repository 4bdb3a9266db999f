import type { Json } from '../chats/index.ts'

/** Stands where a character was that no column can hold. */
const MARK = '\uFFFD'
/** Deeper nesting than any answer that means something. */
const MAX_DEPTH = 64
const ESCAPE = '\\u001b'
/** Control sequences, strings and functions of terminals (ECMA-48 sections 5.3 to 5.6). */
const SEQUENCES = new RegExp(
  [
    `${ESCAPE}\\[[0-?]*[ -/]*[@-~]`,
    `${ESCAPE}\\][^\\u0007\\u001b]*(?:\\u0007|${ESCAPE}\\\\)?`,
    `${ESCAPE}[PX^_][^\\u001b]*(?:${ESCAPE}\\\\)?`,
    `${ESCAPE}[ -/]*[0-~]`,
  ].join('|'),
  'g',
)
/** All of them but tabs and the ends of lines. */
// biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is looked for.
const CONTROLS = /[\u0000-\u0008\u000b\u000c\u000e-\u001f\u007f-\u009f]/g

/** A value without what PostgreSQL's jsonb refuses: NUL characters, halves of surrogate pairs, nesting without end. */
export function storable(value: unknown, depth = 0): Json {
  switch (typeof value) {
    case 'string':
      return value.replaceAll('\0', MARK).toWellFormed()
    case 'number':
      return Number.isFinite(value) ? value : null
    case 'boolean':
      return value
    case 'object': {
      if (value === null) return null
      if (depth >= MAX_DEPTH) return '… nested too deeply …'
      if (Array.isArray(value)) return value.map((entry) => storable(entry, depth + 1))
      return Object.fromEntries(
        Object.entries(value).flatMap(([name, member]) =>
          member === undefined
            ? []
            : [[name.replaceAll('\0', MARK).toWellFormed(), storable(member, depth + 1)]],
        ),
      )
    }
    default:
      return null
  }
}

/**
 * What a program printed, as text only: terminal control sequences are taken out, and other control characters become
 * marks, so that no output can move the cursor or hide itself from whoever reads it.
 */
export function plainOutput(output: string): { readonly text: string; readonly wasChanged: boolean } {
  const text = withPlainEnds(output.replace(SEQUENCES, ''))
    .split('\n')
    .map(overwritten)
    .join('\n')
    .replace(CONTROLS, MARK)
    .toWellFormed()
  return { text, wasChanged: text !== withPlainEnds(output) }
}

/** Without the carriage returns before the ends of lines. Expressions for this take quadratic time on hostile output. */
function withPlainEnds(output: string): string {
  const lines = output.split('\n')
  return lines
    .map((line, i) => {
      if (i === lines.length - 1) return line
      let end = line.length
      while (end > 0 && line[end - 1] === '\r') end -= 1
      return line.slice(0, end)
    })
    .join('\n')
}

/** What stays of a line on the screen: a progress bar writes over it again and again. */
function overwritten(line: string): string {
  return line.length < 2 ? line : line.slice(line.lastIndexOf('\r', line.length - 2) + 1)
}
