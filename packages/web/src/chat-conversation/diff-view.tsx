import { classNames } from '../ui/class-names.ts'
import { CopyButton } from '../ui/copyable.tsx'
import { withHiddenWrittenOut } from '../ui/hidden-characters.ts'
import type { DiffLine, FileDiff } from './line-diff.ts'
import { WindowedLines } from './windowed-lines.tsx'

const LOOKS: Record<DiffLine['kind'], string> = {
  same: '',
  added: 'bg-ok-wash',
  removed: 'bg-bad-wash',
  gap: 'text-ink-3',
}
const SIGNS: Record<DiffLine['kind'], string> = { same: ' ', added: '+', removed: '-', gap: '⋯' }

/** How many lines came and went: `+12 −3`. */
export function DiffCounts({ added, removed }: { readonly added: number; readonly removed: number }) {
  return (
    <span className="whitespace-nowrap tabular-nums">
      <span className="text-ok">
        <span className="sr-only">Added </span>+{added}
      </span>{' '}
      <span className="text-bad">
        <span className="sr-only">Removed </span>−{removed}
      </span>
    </span>
  )
}

/** The changes of one file. */
export function DiffView({ file }: { readonly file: FileDiff }) {
  const name = withHiddenWrittenOut(file.from === undefined ? file.path : `${file.from} → ${file.path}`)
  const numbered = file.lines.some(({ old, new: fresh }) => old !== undefined || fresh !== undefined)
  return (
    <div className="overflow-hidden rounded-card border border-line bg-surface">
      <div className="flex min-h-8 items-center gap-2 border-b border-line pl-3 pr-1 text-xs">
        <span className="min-w-0 flex-1 truncate font-mono" title={name}>
          <bdi>{name}</bdi>
        </span>
        {file.note === undefined ? null : <span className="text-ink-3">{file.note}</span>}
        <DiffCounts added={file.added} removed={file.removed} />
        <CopyButton text={file.path} label="Copy the path" />
      </div>
      {file.lines.length === 0 ? null : (
        <WindowedLines
          label={`Changes of ${file.path}`}
          count={file.lines.length}
          line={(index) => <Line line={file.lines[index]} numbered={numbered} />}
        />
      )}
    </div>
  )
}

function Line({ line, numbered }: { readonly line: DiffLine | undefined; readonly numbered: boolean }) {
  if (line === undefined) return null
  return (
    <div className={classNames('flex min-h-5 whitespace-pre pr-3', LOOKS[line.kind])}>
      {numbered ? (
        <span
          className="w-10 shrink-0 select-none pr-2 text-right text-ink-2 tabular-nums"
          aria-hidden="true"
        >
          {line.kind === 'removed' ? line.old : line.new}
        </span>
      ) : null}
      <span
        className={classNames(
          'w-5 shrink-0 select-none text-center',
          line.kind === 'added' && 'text-ok',
          line.kind === 'removed' && 'text-bad',
        )}
      >
        {SIGNS[line.kind]}
      </span>
      <span>{line.text}</span>
    </div>
  )
}
