import type { DiffLine } from './line-diff.ts'

/** Part of a text, from and until. */
export type Span = readonly [from: number, until: number]

/** Longer lines are not compared word by word. */
const MOST_CHARACTERS = 400
/** Lines with less in common than this share were replaced rather than changed. */
const LEAST_ALIKE = 0.3

/** What of each line changed, by its place: lines that go and lines that come right after are compared one by one. */
export function wordMarks(lines: readonly DiffLine[]): ReadonlyMap<number, readonly Span[]> {
  const marks = new Map<number, readonly Span[]>()
  for (let at = 0; at < lines.length; ) {
    if (lines[at]?.kind !== 'removed') {
      at++
      continue
    }
    let middle = at
    while (lines[middle]?.kind === 'removed') middle++
    let end = middle
    while (lines[end]?.kind === 'added') end++
    // Another number of lines: which of them belong together cannot be known.
    if (end - middle === middle - at)
      for (let i = 0; i < middle - at; i++) {
        const found = changedWords(lines[at + i]?.text ?? '', lines[middle + i]?.text ?? '')
        if (found === undefined) continue
        marks.set(at + i, found[0])
        marks.set(middle + i, found[1])
      }
    at = Math.max(end, at + 1)
  }
  return marks
}

/** What of both texts the other has not; undefined when they have little in common. */
export function changedWords(
  before: string,
  after: string,
): readonly [readonly Span[], readonly Span[]] | undefined {
  if (before.length > MOST_CHARACTERS || after.length > MOST_CHARACTERS) return undefined
  const a = wordsOf(before)
  const b = wordsOf(after)
  const width = b.length + 1
  const lengths = new Uint16Array((a.length + 1) * width)
  const at = (i: number, j: number) => lengths[i * width + j] ?? 0
  for (let i = a.length - 1; i >= 0; i--)
    for (let j = b.length - 1; j >= 0; j--)
      lengths[i * width + j] =
        a[i] === b[j] ? at(i + 1, j + 1) + (a[i]?.length ?? 0) : Math.max(at(i + 1, j), at(i, j + 1))
  const alike = at(0, 0) / Math.max(1, Math.max(before.trim().length, after.trim().length))
  if (alike < LEAST_ALIKE) return undefined
  const left: Span[] = []
  const right: Span[] = []
  let i = 0
  let j = 0
  let from = 0
  let to = 0
  while (i < a.length || j < b.length) {
    const one = a[i]
    const other = b[j]
    if (one !== undefined && one === other) {
      from += one.length
      to += one.length
      i++
      j++
    } else if (one !== undefined && (other === undefined || at(i + 1, j) >= at(i, j + 1))) {
      extend(left, from, one.length)
      from += one.length
      i++
    } else {
      extend(right, to, other?.length ?? 0)
      to += other?.length ?? 0
      j++
    }
  }
  return [left, right]
}

function extend(spans: Span[], from: number, length: number): void {
  const last = spans.at(-1)
  if (last?.[1] === from) spans[spans.length - 1] = [last[0], from + length]
  else spans.push([from, from + length])
}

function wordsOf(text: string): readonly string[] {
  return text.match(/[\p{L}\p{N}_]+|\s+|[^\p{L}\p{N}_\s]/gu) ?? []
}
