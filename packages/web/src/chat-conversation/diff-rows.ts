import type { DiffLine } from './line-diff.ts'

/** Two sides of a line of a diff, as places in its lines; one of them may be empty. */
export interface SplitRow {
  readonly left: number | undefined
  readonly right: number | undefined
}

/** Lines side by side: what goes beside what comes in its place. */
export function splitRows(lines: readonly DiffLine[]): readonly SplitRow[] {
  const rows: SplitRow[] = []
  for (let at = 0; at < lines.length; ) {
    const kind = lines[at]?.kind
    if (kind === 'same' || kind === 'gap') {
      rows.push({ left: at, right: at })
      at++
      continue
    }
    let middle = at
    while (lines[middle]?.kind === 'removed') middle++
    let end = middle
    while (lines[end]?.kind === 'added') end++
    for (let i = 0; at + i < middle || middle + i < end; i++)
      rows.push({
        left: at + i < middle ? at + i : undefined,
        right: middle + i < end ? middle + i : undefined,
      })
    at = end
  }
  return rows
}

/** Lines of a file that somebody points at. */
export interface FileReference {
  readonly file: string
  readonly from: number
  readonly until: number
  /** The lines as the diff has them, with their signs. */
  readonly content: string
  readonly comment: string
}

/** What is chosen of a diff, numbered as the new side counts, or as the old one where nothing of the new is chosen. */
export function referenceOf(
  file: string,
  lines: readonly DiffLine[],
  chosen: readonly [first: number, last: number],
  comment: string,
): FileReference | undefined {
  const picked = lines
    .slice(Math.min(...chosen), Math.max(...chosen) + 1)
    .filter(({ kind }) => kind !== 'gap')
  const fresh = picked.flatMap((line) => (line.new === undefined ? [] : [line.new]))
  const old = picked.flatMap((line) => (line.old === undefined ? [] : [line.old]))
  const numbers = fresh.length > 0 ? fresh : old
  const [from] = numbers
  const until = numbers.at(-1)
  if (from === undefined || until === undefined) return undefined
  const signs = { same: ' ', added: '+', removed: '-', gap: ' ' }
  return {
    file,
    from,
    until,
    content: picked.map(({ kind, text }) => signs[kind] + text).join('\n'),
    comment,
  }
}

/** A folder of changed files, or one of them. */
export interface TreeNode {
  readonly name: string
  /** Of a file: its place among the files. */
  readonly file: number | undefined
  readonly children: readonly TreeNode[]
}

/** Paths as a tree; folders that hold nothing but one folder are one with it. */
export function treeOf(paths: readonly string[]): readonly TreeNode[] {
  return level(paths.map((path, file) => ({ parts: path.split('/').filter((part) => part !== ''), file })))
}

interface Entry {
  readonly parts: readonly string[]
  readonly file: number
}

function level(entries: readonly Entry[]): readonly TreeNode[] {
  const folders = new Map<string, Entry[]>()
  const files: TreeNode[] = []
  for (const { parts, file } of entries) {
    const [first = '', ...rest] = parts
    if (rest.length === 0) files.push({ name: first, file, children: [] })
    else folders.set(first, [...(folders.get(first) ?? []), { parts: rest, file }])
  }
  return [
    ...[...folders].map(([name, inside]): TreeNode => {
      const children = level(inside)
      const [only] = children
      return children.length === 1 && only !== undefined && only.file === undefined
        ? { name: `${name}/${only.name}`, file: undefined, children: only.children }
        : { name, file: undefined, children }
    }),
    ...files,
  ]
}
