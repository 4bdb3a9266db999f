import type { ChatInputPart, ChatMessagePart } from '@slipway/contract'

/** Files that a text may point at: how they are written behind `@`, and where they are in the workspace. */
export type KnownFiles = Readonly<Record<string, string>>

/** A place in a text that points at a file (UI-1122). */
export interface Mention {
  readonly from: number
  readonly until: number
  readonly file: string
  /** Lines that are meant; 0 when it is all of them. */
  readonly first: number
  readonly last: number
}

/** What is being typed behind an `@`. */
export interface OpenMention {
  /** Place of the `@`. */
  readonly from: number
  /** Where it ends: the caret. */
  readonly until: number
  readonly query: string
  /** What names lines: `:10-20`. */
  readonly lines: string
}

const BEFORE = /(?:^|[\s([{"'`])$/
const LINES = /^:(\d{1,9})(?:-(\d{1,9}))?/
/** What would make it the beginning of another path. */
const GOES_ON = /^(?:[\p{L}\p{N}_/-]|\.[\p{L}\p{N}_])/u

/** Where a text points at known files, in order. */
export function mentionsIn(text: string, known: KnownFiles): readonly Mention[] {
  const shown = Object.keys(known).sort((a, b) => b.length - a.length)
  const found: Mention[] = []
  if (shown.length === 0) return found
  for (let at = text.indexOf('@'); at >= 0; at = text.indexOf('@', at + 1)) {
    if (at < (found.at(-1)?.until ?? 0) || !BEFORE.test(text.slice(Math.max(0, at - 1), at))) continue
    for (const one of shown) {
      if (!text.startsWith(one, at + 1)) continue
      const rest = text.slice(at + 1 + one.length)
      const [named = '', start = '0', end = start] = LINES.exec(rest) ?? []
      if (GOES_ON.test(rest.slice(named.length))) continue
      const [first, last] = [Number(start), Number(end)]
      found.push({
        from: at,
        until: at + 1 + one.length + named.length,
        file: known[one] ?? one,
        first: Math.min(first, last),
        last: Math.max(first, last),
      })
      break
    }
  }
  return found
}

/** What is typed behind an `@` before the caret; undefined where none is, or where the file is named in full already. */
export function mentionAt(text: string, caret: number, known: KnownFiles): OpenMention | undefined {
  const typed = /(?:^|[\s([{"'`])@([^\s@]{0,256})$/.exec(text.slice(0, caret))?.[1]
  if (typed === undefined) return undefined
  const from = caret - typed.length - 1
  if (mentionsIn(text, known).some((one) => one.from === from && one.until >= caret)) return undefined
  const lines = /:\d*(?:-\d*)?$/.exec(typed)?.[0] ?? ''
  return { from, until: caret, query: typed.slice(0, typed.length - lines.length), lines }
}

/** The text with a path in place of what was typed of it, and where the caret stands then. */
export function withMention(
  text: string,
  { from, until, lines }: OpenMention,
  path: string,
): { readonly text: string; readonly caret: number } {
  const named = LINES.exec(lines)?.[0] ?? ''
  const rest = text.slice(until)
  const written = `@${path}${named}`
  const gap = /^\s/.test(rest) ? '' : ' '
  return { text: text.slice(0, from) + written + gap + rest, caret: from + written.length + 1 }
}

/** A text as parts of a message, with its files where they stand in it. */
export function partsOfText(text: string, known: KnownFiles): readonly ChatInputPart[] {
  const parts: ChatInputPart[] = []
  const say = (piece: string) => {
    if (piece.trim() !== '') parts.push({ type: 'text', text: piece.trim() })
  }
  let at = 0
  for (const { from, until, file, first, last } of mentionsIn(text, known)) {
    say(text.slice(at, from))
    parts.push({ type: 'file-reference', file_name: file, start_line: first, end_line: last, content: '' })
    at = until
  }
  say(text.slice(at))
  return parts
}

/** Only those that the text points at. */
export function usedFiles(text: string, known: KnownFiles): KnownFiles {
  const used = new Set(mentionsIn(text, known).map(({ file }) => file))
  return Object.fromEntries(Object.entries(known).filter(([, file]) => used.has(file)))
}

/** Whether a part points at a file by name only, without lines of it. */
export function isMention(part: ChatMessagePart): boolean {
  return part.type === 'file-reference' && (part.content ?? '') === ''
}

/** How a part is written that points at a file: `@src/main.ts:10-20`. */
export function mentionText({
  file_name: file = '',
  start_line: first = 0,
  end_line: last = first,
}: ChatMessagePart): string {
  return first === 0 ? `@${file}` : last === first ? `@${file}:${first}` : `@${file}:${first}-${last}`
}

/** What stands between two pieces of a text that a file is named in. */
export function gapBefore(next: string): string {
  return /^[.,;:!?)\]}'"]/.test(next) ? '' : ' '
}
