const CONTEXT_LINES = 3
/** Pairs of lines that are compared at most; larger changes are shown as one block. */
const MAX_COMPARED = 4_000_000

/** A run of lines: kept, removed or added. */
interface Step {
  readonly mark: ' ' | '-' | '+'
  readonly line: string
}

/**
 * How a text became another, as a unified diff (GNU diffutils, "Detailed Unified"); empty when nothing has changed.
 *
 * @param name of the file, for the two lines at the top.
 */
export function unifiedDiff(name: string, before: string, after: string): string {
  if (before === after) return ''
  const steps = stepsBetween(linesOf(before), linesOf(after))
  let text = `--- ${name}\n+++ ${name}\n`
  let [oldLine, newLine] = [1, 1]
  for (let at = 0; at < steps.length; ) {
    const [from, to] = hunkFrom(steps, at)
    for (; at < from; at += 1) [oldLine, newLine] = [oldLine + 1, newLine + 1]
    const hunk = steps.slice(from, to)
    const removed = hunk.filter(({ mark }) => mark !== '+').length
    const added = hunk.filter(({ mark }) => mark !== '-').length
    if (hunk.length > 0)
      text += `@@ -${range(oldLine, removed)} +${range(newLine, added)} @@\n${hunk.map(printed).join('')}`
    ;[oldLine, newLine, at] = [oldLine + removed, newLine + added, to]
  }
  return text
}

/** Lines with their ends, so that a missing last one shows. */
function linesOf(text: string): string[] {
  return text.match(/[^\n]*\n|[^\n]+$/g) ?? []
}

/** Where the next changes begin and end, with the lines around them; changes that lie close share a hunk. */
function hunkFrom(steps: readonly Step[], start: number): readonly [number, number] {
  const first = steps.findIndex(({ mark }, i) => i >= start && mark !== ' ')
  if (first < 0) return [steps.length, steps.length]
  let last = first
  for (let i = first; i < steps.length && i - last <= 2 * CONTEXT_LINES; i += 1)
    if (steps[i]?.mark !== ' ') last = i
  return [Math.max(start, first - CONTEXT_LINES), Math.min(steps.length, last + 1 + CONTEXT_LINES)]
}

function range(line: number, count: number): string {
  if (count === 1) return String(line)
  return count === 0 ? `${line - 1},0` : `${line},${count}`
}

function printed({ mark, line }: Step): string {
  return line.endsWith('\n') ? `${mark}${line}` : `${mark}${line}\n\\ No newline at end of file\n`
}

/** The changes between two lists of lines, by their longest common subsequence. */
function stepsBetween(before: readonly string[], after: readonly string[]): Step[] {
  let head = 0
  while (head < Math.min(before.length, after.length) && before[head] === after[head]) head += 1
  let tail = 0
  while (
    tail < Math.min(before.length, after.length) - head &&
    before[before.length - 1 - tail] === after[after.length - 1 - tail]
  )
    tail += 1
  const kept = (line: string): Step => ({ mark: ' ', line })
  return [
    ...before.slice(0, head).map(kept),
    ...changes(before.slice(head, before.length - tail), after.slice(head, after.length - tail)),
    ...before.slice(before.length - tail).map(kept),
  ]
}

function changes(before: readonly string[], after: readonly string[]): Step[] {
  const width = after.length + 1
  /** Lines in common from a pair of lines on, row by row. */
  const common =
    before.length * after.length > MAX_COMPARED ? undefined : new Uint32Array((before.length + 1) * width)
  if (common !== undefined)
    for (let i = before.length - 1; i >= 0; i -= 1)
      for (let j = after.length - 1; j >= 0; j -= 1)
        common[i * width + j] =
          before[i] === after[j]
            ? (common[(i + 1) * width + j + 1] ?? 0) + 1
            : Math.max(common[(i + 1) * width + j] ?? 0, common[i * width + j + 1] ?? 0)
  const steps: Step[] = []
  let [i, j] = [0, 0]
  while (i < before.length || j < after.length) {
    const [old, fresh] = [before[i], after[j]]
    if (common !== undefined && old !== undefined && old === fresh) {
      steps.push({ mark: ' ', line: old })
      ;[i, j] = [i + 1, j + 1]
    } else if (
      old !== undefined &&
      (fresh === undefined || (common?.[(i + 1) * width + j] ?? 0) >= (common?.[i * width + j + 1] ?? 0))
    ) {
      steps.push({ mark: '-', line: old })
      i += 1
    } else if (fresh !== undefined) {
      steps.push({ mark: '+', line: fresh })
      j += 1
    }
  }
  return steps
}
