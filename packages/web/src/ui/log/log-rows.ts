export type LogLevel = 'trace' | 'debug' | 'info' | 'warn' | 'error'

/** One line of a log. `id` grows with the server's order; `stage` groups neighbours under one heading. */
export interface LogLine {
  readonly id: number
  readonly at: string
  readonly level: LogLevel
  readonly stage: string
  readonly text: string
}

/** What the viewer draws: a heading where a stage begins, else a line with its number from 1. */
export type LogRow =
  | {
      readonly kind: 'stage'
      readonly stage: string
      readonly startedAt: string
      readonly endedAt: string
      readonly failed: boolean
      readonly open: boolean
    }
  | { readonly kind: 'line'; readonly line: LogLine; readonly number: number }

/**
 * Adds lines to those already held: a line that came before (after a resume) is not doubled, and the order is
 * the server's (UI-803). Answers the same array when nothing is new.
 */
export function mergeLines(held: readonly LogLine[], more: readonly LogLine[]): readonly LogLine[] {
  if (more.length === 0) return held
  const last = held.at(-1)?.id ?? Number.NEGATIVE_INFINITY
  const inOrder = more.every((line, index) => line.id > (index === 0 ? last : (more[index - 1]?.id ?? last)))
  if (inOrder) return [...held, ...more]
  const byId = new Map(held.map((line) => [line.id, line]))
  const before = byId.size
  for (const line of more) byId.set(line.id, line)
  if (byId.size === before) return held
  return [...byId.values()].sort((a, b) => a.id - b.id)
}

/** Rows to draw. `done` closes the last stage; `failed` names stages that failed without a line saying so. */
export function logRows(
  lines: readonly LogLine[],
  done: boolean,
  failed: ReadonlySet<string> = new Set(),
): readonly LogRow[] {
  const rows: LogRow[] = []
  let start = 0
  let number = 0
  while (start < lines.length) {
    const stage = lines[start]?.stage ?? ''
    let end = start
    while (end < lines.length && lines[end]?.stage === stage) end++
    const part = lines.slice(start, end)
    const open = end === lines.length && !done
    if (stage !== '')
      rows.push({
        kind: 'stage',
        stage,
        startedAt: part[0]?.at ?? '',
        endedAt: lines[end]?.at ?? part.at(-1)?.at ?? '',
        failed: failed.has(stage) || part.some((line) => line.level === 'error'),
        open,
      })
    for (const line of part) {
      number++
      // A stage announces itself with an empty line: it counts, its heading stands for it.
      if (line.text !== '' || stage === '') rows.push({ kind: 'line', line, number })
    }
    start = end
  }
  return rows
}
