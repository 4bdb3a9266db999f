import { AgentApiError } from './answer.ts'

/** A text to replace in a file. */
export interface Edit {
  readonly search: string
  readonly replace: string
  readonly all: boolean
}

interface Span {
  readonly start: number
  readonly end: number
}

/**
 * The text of a file with an edit carried out.
 *
 * @param options with `tolerant`, whole lines are also found when they differ in white space: first at the ends of
 * lines only, then in their indentation too, which the replacement then takes over.
 * @throws AgentApiError 400 when the text is not there, or more than once without `all`.
 */
export function applyEdit(
  file: string,
  text: string,
  edit: Edit,
  { tolerant }: { readonly tolerant: boolean },
): string {
  if (text.includes(edit.search)) {
    if (edit.all) return text.replaceAll(edit.search, () => edit.replace)
    const first = text.indexOf(edit.search)
    if (text.indexOf(edit.search, first + 1) >= 0) throw ambiguous(file)
    return splice(text, { start: first, end: first + edit.search.length }, edit.replace)
  }
  if (tolerant)
    for (const normalize of [trimEnd, squeezed]) {
      const found = findLines(text, edit.search, normalize)
      if (found.length > 1 && !edit.all) throw ambiguous(file)
      if (found.length > 0)
        // From the end, so that the places before stay where they are.
        return found.reduceRight(
          (edited, span) => splice(edited, span, fitted(edit, text.slice(span.start, span.end))),
          text,
        )
    }
  throw new AgentApiError(400, `${file}: the text to search for is not there`)
}

function ambiguous(file: string): AgentApiError {
  return new AgentApiError(400, `${file}: the text to search for is there more than once: name more of it`)
}

function splice(text: string, { start, end }: Span, replacement: string): string {
  return text.slice(0, start) + replacement + text.slice(end)
}

function trimEnd(line: string): string {
  return line.trimEnd()
}

function squeezed(line: string): string {
  return line.trim().replace(/\s+/g, ' ')
}

/** Places where the lines of `search` stand as whole lines, compared by `normalize`. */
function findLines(text: string, search: string, normalize: (line: string) => string): Span[] {
  const wanted = withoutLastEnd(search).split('\n').map(normalize)
  if (wanted.every((line) => line === '')) return []
  const lines = text.split('\n')
  const starts: number[] = []
  let offset = 0
  for (const line of lines) {
    starts.push(offset)
    offset += line.length + 1
  }
  const normal = lines.map(normalize)
  const found: Span[] = []
  for (let i = 0; i + wanted.length <= lines.length; i += 1) {
    if (!wanted.every((line, k) => normal[i + k] === line)) continue
    const last = i + wanted.length - 1
    const end = (starts[last] ?? 0) + (lines[last]?.length ?? 0)
    // The end of the last line belongs to it where the search text has it.
    const withEnd = search.endsWith('\n') && last + 1 < lines.length
    found.push({ start: starts[i] ?? 0, end: withEnd ? end + 1 : end })
    i = last
  }
  return found
}

function withoutLastEnd(text: string): string {
  return text.endsWith('\n') ? text.slice(0, -1) : text
}

/** The replacement with the indentation of what it replaces, where the search text had another one. */
function fitted({ search, replace }: Edit, found: string): string {
  const [before, now] = [indentOf(search), indentOf(found)]
  const lineEnd = found.includes('\r\n') && !replace.includes('\r\n') ? '\r\n' : '\n'
  const lines = replace.split('\n')
  const shifted =
    before === now || !lines.every((line) => line.trim() === '' || line.startsWith(before))
      ? lines
      : lines.map((line) => (line.trim() === '' ? line : now + line.slice(before.length)))
  return shifted.join(lineEnd)
}

/** Indentation of the first line that has more than white space. */
function indentOf(text: string): string {
  const line = text.split('\n').find((one) => one.trim() !== '') ?? ''
  return line.slice(0, line.length - line.trimStart().length)
}
