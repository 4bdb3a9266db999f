/** A line of a diff; numbers count from 1 on the side that has the line. */
export interface DiffLine {
  readonly kind: 'same' | 'added' | 'removed' | 'gap'
  readonly text: string
  readonly old?: number | undefined
  readonly new?: number | undefined
}

/** The changes of one file. */
export interface FileDiff {
  readonly path: string
  /** Where it was before, when it moved. */
  readonly from?: string | undefined
  readonly note?: string | undefined
  readonly lines: readonly DiffLine[]
  readonly added: number
  readonly removed: number
}

/** Beyond this many comparisons everything is taken for replaced. */
const MAX_CELLS = 400_000

/** Lines that go and come between two texts, by their longest common subsequence. */
export function diffLines(before: string, after: string): readonly DiffLine[] {
  const a = before === '' ? [] : before.split('\n')
  const b = after === '' ? [] : after.split('\n')
  let start = 0
  while (start < a.length && start < b.length && a[start] === b[start]) start++
  let end = 0
  while (end < a.length - start && end < b.length - start && a.at(-1 - end) === b.at(-1 - end)) end++
  const same = (text: string): DiffLine => ({ kind: 'same', text })
  return [
    ...a.slice(0, start).map(same),
    ...middle(a.slice(start, a.length - end), b.slice(start, b.length - end)),
    ...a.slice(a.length - end).map(same),
  ]
}

function middle(a: readonly string[], b: readonly string[]): DiffLine[] {
  const removed = (text: string): DiffLine => ({ kind: 'removed', text })
  const added = (text: string): DiffLine => ({ kind: 'added', text })
  if (a.length * b.length > MAX_CELLS || a.length === 0 || b.length === 0)
    return [...a.map(removed), ...b.map(added)]
  const width = b.length + 1
  const lengths = new Uint32Array((a.length + 1) * width)
  const at = (i: number, j: number) => lengths[i * width + j] ?? 0
  for (let i = a.length - 1; i >= 0; i--)
    for (let j = b.length - 1; j >= 0; j--)
      lengths[i * width + j] = a[i] === b[j] ? at(i + 1, j + 1) + 1 : Math.max(at(i + 1, j), at(i, j + 1))
  const lines: DiffLine[] = []
  let i = 0
  let j = 0
  while (i < a.length || j < b.length) {
    if (i < a.length && j < b.length && a[i] === b[j]) {
      lines.push({ kind: 'same', text: a[i] ?? '' })
      i++
      j++
    } else if (i < a.length && (j >= b.length || at(i + 1, j) >= at(i, j + 1)))
      lines.push(removed(a[i++] ?? ''))
    else lines.push(added(b[j++] ?? ''))
  }
  return lines
}

/** A file with lines of its own, its additions and removals counted. */
export function fileDiff(path: string, lines: readonly DiffLine[], more: Partial<FileDiff> = {}): FileDiff {
  const count = (kind: DiffLine['kind']) => lines.filter((line) => line.kind === kind).length
  return { path, lines, added: count('added'), removed: count('removed'), ...more }
}

/** Files of a unified diff, as Git and `diff -u` write it. What is no diff gives none. */
export function parseUnifiedDiff(diff: string): readonly FileDiff[] {
  const files: FileDiff[] = []
  let current: Draft | undefined
  let old = 0
  let fresh = 0
  const finish = () => {
    if (current !== undefined && (current.path !== '' || current.lines.length > 0))
      files.push(fileDiff(current.path, current.lines, { from: current.from, note: current.note }))
    current = undefined
  }
  // Lines of a hunk are counted: one that is removed may look like the head of a file.
  let leftOld = 0
  let leftNew = 0
  for (const line of diff.split('\n')) {
    if (current !== undefined && (leftOld > 0 || leftNew > 0)) {
      const sign = line[0]
      if (sign === '+') {
        current.lines.push({ kind: 'added', text: line.slice(1), new: fresh++ })
        leftNew--
        continue
      }
      if (sign === '-') {
        current.lines.push({ kind: 'removed', text: line.slice(1), old: old++ })
        leftOld--
        continue
      }
      if (sign === ' ' || sign === undefined) {
        current.lines.push({ kind: 'same', text: line.slice(1), old: old++, new: fresh++ })
        leftOld--
        leftNew--
        continue
      }
    }
    const hunk = /^@@ -(\d+)(?:,(\d+))? \+(\d+)(?:,(\d+))? @@(.*)$/.exec(line)
    if (hunk !== null) {
      current ??= { path: '', lines: [] }
      old = Number(hunk[1])
      fresh = Number(hunk[3])
      leftOld = Number(hunk[2] ?? 1)
      leftNew = Number(hunk[4] ?? 1)
      if (current.lines.length > 0) current.lines.push({ kind: 'gap', text: (hunk[5] ?? '').trim() })
      continue
    }
    if (line.startsWith('diff --git ')) {
      finish()
      current = { path: / b\/(.+)$/.exec(line)?.[1] ?? '', lines: [] }
    } else if (line.startsWith('--- ')) {
      if (current === undefined || current.lines.length > 0) {
        finish()
        current = { path: '', lines: [] }
      }
      const name = fileName(line)
      if (name !== undefined) current.path = name
    } else if (line.startsWith('+++ ')) {
      const name = fileName(line)
      if (name !== undefined && current !== undefined) current.path = name
      else if (name === undefined && current !== undefined) current.note = 'Deleted'
    } else if (current !== undefined) {
      if (line.startsWith('rename from ')) current.from = line.slice('rename from '.length)
      else if (line.startsWith('new file')) current.note = 'New file'
      else if (line.startsWith('deleted file')) current.note = 'Deleted'
      else if (line.startsWith('Binary files')) current.note = 'Binary file'
      else if (/^new mode (\d+)$/.test(line)) current.note = `Mode ${line.slice('new mode '.length)}`
    }
  }
  finish()
  return files
}

interface Draft {
  path: string
  from?: string
  note?: string
  readonly lines: DiffLine[]
}

/** Of `--- a/path<TAB>time`; undefined for the file that is not there. */
function fileName(line: string): string | undefined {
  const name = (line.slice(4).split('\t')[0] ?? '').trim()
  return name === '/dev/null' || name === '' ? undefined : name.replace(/^[ab]\//, '')
}
