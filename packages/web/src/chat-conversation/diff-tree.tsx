import { FileDiff as FileIcon, Folder } from 'lucide-react'
import { useMemo } from 'react'

import { withHiddenWrittenOut } from '../ui/hidden-characters.ts'
import { type TreeNode, treeOf } from './diff-rows.ts'
import { DiffCounts } from './diff-view.tsx'
import type { FileDiff } from './line-diff.ts'

/** The changed files in their folders; each leads to its changes (UI-1143). */
export function DiffTree({
  files,
  onOpen,
}: {
  readonly files: readonly FileDiff[]
  readonly onOpen: (file: number) => void
}) {
  const tree = useMemo(() => treeOf(files.map(({ path }) => path)), [files])
  return (
    <nav
      aria-label="Changed files"
      className="max-h-60 overflow-y-auto rounded-card border border-line bg-surface p-1 text-xs"
    >
      <Level nodes={tree} depth={0} files={files} onOpen={onOpen} />
    </nav>
  )
}

function Level({
  nodes,
  depth,
  files,
  onOpen,
}: {
  readonly nodes: readonly TreeNode[]
  readonly depth: number
  readonly files: readonly FileDiff[]
  readonly onOpen: (file: number) => void
}) {
  return (
    <ul>
      {nodes.map((node) => {
        const { name, file, children } = node
        const style = { paddingLeft: 8 + depth * 14 }
        if (file === undefined)
          return (
            <li key={`${name}/`}>
              <span className="flex min-h-6 min-w-0 items-center gap-1.5 text-ink-2" style={style}>
                <Folder className="size-3.5 shrink-0 text-ink-3" strokeWidth={1.75} aria-hidden="true" />
                <span className="truncate font-mono">{withHiddenWrittenOut(name)}</span>
              </span>
              <Level nodes={children} depth={depth + 1} files={files} onOpen={onOpen} />
            </li>
          )
        const { added = 0, removed = 0 } = files[file] ?? {}
        return (
          <li key={name}>
            <button
              type="button"
              onClick={() => onOpen(file)}
              style={style}
              className="flex min-h-6 w-full min-w-0 items-center gap-1.5 rounded-control pr-2 text-left hover:bg-hover pointer-coarse:min-h-9"
            >
              <FileIcon className="size-3.5 shrink-0 text-ink-3" strokeWidth={1.75} aria-hidden="true" />
              <span className="min-w-0 flex-1 truncate font-mono">
                <bdi>{withHiddenWrittenOut(name)}</bdi>
              </span>
              <DiffCounts added={added} removed={removed} />
            </button>
          </li>
        )
      })}
    </ul>
  )
}
