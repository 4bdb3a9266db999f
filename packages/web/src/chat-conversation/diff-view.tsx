import { ChevronRight } from 'lucide-react'
import { useMemo, useState } from 'react'

import { classNames } from '../ui/class-names.ts'
import { CopyButton } from '../ui/copyable.tsx'
import { withHiddenWrittenOut } from '../ui/hidden-characters.ts'
import { CommentBox } from './comment-box.tsx'
import { type ColouredLine, useDiffColours } from './diff-colours.ts'
import { LINE_LOOKS, LineText } from './diff-line.tsx'
import { type FileReference, referenceOf, type SplitRow, splitRows } from './diff-rows.ts'
import type { DiffLine, FileDiff } from './line-diff.ts'
import { type Selection, useLineSelection } from './use-line-selection.ts'
import { MOST_LINES, WindowedLines } from './windowed-lines.tsx'
import { type Span, wordMarks } from './word-diff.ts'

/** Files with more lines than these are opened by hand. */
const LARGE = 1500

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

interface DiffViewProps {
  readonly file: FileDiff
  readonly mode?: 'unified' | 'split'
  /** For links from a list of files. */
  readonly id?: string
  /** Lines can be pointed at, with a comment (UI-1146). */
  readonly onComment?: ((reference: FileReference) => void) | undefined
}

/** The changes of one file. */
export function DiffView({ file, mode = 'unified', id, onComment }: DiffViewProps) {
  const { lines } = file
  const large = lines.length > LARGE
  const [open, setOpen] = useState(!large)
  const name = withHiddenWrittenOut(file.from === undefined ? file.path : `${file.from} → ${file.path}`)
  const marks = useMemo(() => wordMarks(lines), [lines])
  const selection = useLineSelection(lines, onComment !== undefined)
  const chosen = selection.chosen
  return (
    <div id={id} className="scroll-mt-2 overflow-hidden rounded-card border border-line bg-surface">
      <div className="flex min-h-8 items-center gap-1.5 border-b border-line pl-1.5 pr-1 text-xs">
        <button
          type="button"
          aria-expanded={open}
          aria-label={`Changes of ${name}`}
          disabled={lines.length === 0}
          onClick={() => setOpen(!open)}
          className="inline-flex size-6 shrink-0 items-center justify-center rounded-sm text-ink-3 hover:bg-hover hover:text-ink disabled:invisible"
        >
          <ChevronRight
            className={classNames('size-3.5 transition-transform duration-(--fast)', open && 'rotate-90')}
            aria-hidden="true"
          />
        </button>
        <span className="min-w-0 flex-1 truncate font-mono" title={name}>
          <bdi>{name}</bdi>
        </span>
        {file.note === undefined ? null : <span className="text-ink-3">{file.note}</span>}
        <DiffCounts added={file.added} removed={file.removed} />
        <CopyButton text={file.path} label="Copy the path" />
      </div>
      {lines.length === 0 ? null : open ? (
        <Lines file={file} mode={mode} marks={marks} selection={selection} />
      ) : large ? (
        <p className="px-3 py-2 text-xs text-ink-2">
          {lines.length.toLocaleString('en-US')} lines: folded, because it is much.
        </p>
      ) : null}
      {chosen === undefined || !selection.writing || onComment === undefined ? null : (
        <CommentBox
          about={nameOf(referenceOf(file.path, lines, chosen, ''))}
          onCancel={selection.clear}
          onAdd={(comment) => {
            const reference = referenceOf(file.path, lines, chosen, comment)
            if (reference !== undefined) onComment(reference)
            selection.clear()
          }}
        />
      )}
    </div>
  )
}

function nameOf(reference: FileReference | undefined): string {
  if (reference === undefined) return 'these lines'
  const { from, until } = reference
  return from === until ? `line ${from}` : `lines ${from} to ${until}`
}

interface LinesProps {
  readonly file: FileDiff
  readonly mode: 'unified' | 'split'
  readonly marks: ReadonlyMap<number, readonly Span[]>
  readonly selection: Selection
}

function Lines({ file, mode, marks, selection }: LinesProps) {
  const { lines, path } = file
  const numbered = lines.some(({ old, new: fresh }) => old !== undefined || fresh !== undefined)
  const colouredLine = useDiffColours(lines, /\.(\w+)$/.exec(path)?.[1] ?? '')
  const rows = useMemo(() => (mode === 'split' ? splitRows(lines) : []), [mode, lines])
  const widths = useMemo(() => [widthOf(lines, 'added'), widthOf(lines, 'removed')] as const, [lines])
  const wrap = mode === 'split' && rows.length <= MOST_LINES
  const side = (index: number | undefined, which: 'left' | 'right') => (
    <div
      style={wrap ? undefined : { width: `max(50%, calc(${widths[which === 'left' ? 0 : 1]}ch + 4.5rem))` }}
      className={classNames(
        'flex min-h-5 pr-3',
        wrap ? 'w-1/2 min-w-0 whitespace-pre-wrap [overflow-wrap:anywhere]' : 'shrink-0 whitespace-pre',
        which === 'right' && 'border-l border-line',
        index === undefined ? 'bg-bg' : LINE_LOOKS[lines[index]?.kind ?? 'same'],
        index !== undefined && selection.has(index) && 'outline outline-1 -outline-offset-1 outline-accent',
      )}
    >
      <LineOf
        index={index}
        line={index === undefined ? undefined : lines[index]}
        number={which === 'left' ? lines[index ?? -1]?.old : lines[index ?? -1]?.new}
        numbered={numbered}
        coloured={index === undefined ? undefined : colouredLine(index)}
        marks={index === undefined ? undefined : marks.get(index)}
        selection={selection}
      />
    </div>
  )
  const splitLine = (row: SplitRow | undefined) =>
    row === undefined ? null : (
      <div className="flex">
        {side(row.left, 'left')}
        {side(row.right, 'right')}
      </div>
    )
  const line = (index: number) => {
    const one = lines[index]
    if (one === undefined) return null
    return (
      <div
        className={classNames(
          'flex min-h-5 whitespace-pre pr-3',
          LINE_LOOKS[one.kind],
          selection.has(index) && 'outline outline-1 -outline-offset-1 outline-accent',
        )}
      >
        <LineOf
          index={index}
          line={one}
          number={one.kind === 'removed' ? one.old : one.new}
          numbered={numbered}
          coloured={colouredLine(index)}
          marks={marks.get(index)}
          selection={selection}
        />
      </div>
    )
  }
  return (
    <WindowedLines
      key={mode}
      wrap={wrap}
      label={`Changes of ${path}`}
      count={mode === 'split' ? rows.length : lines.length}
      line={(index) => (mode === 'split' ? splitLine(rows[index]) : line(index))}
      {...(selection.onKeyDown === undefined ? {} : { onKeyDown: selection.onKeyDown })}
    />
  )
}

interface LineOfProps {
  readonly index: number | undefined
  readonly line: DiffLine | undefined
  readonly number: number | undefined
  readonly numbered: boolean
  readonly coloured: ColouredLine | undefined
  readonly marks: readonly Span[] | undefined
  readonly selection: Selection
}

function LineOf({ index, line, number, numbered, coloured, marks, selection }: LineOfProps) {
  if (line === undefined || index === undefined) return null
  return (
    <>
      {numbered ? (
        selection.enabled && line.kind !== 'gap' ? (
          <button
            type="button"
            tabIndex={-1}
            aria-label={`Comment on line ${number ?? ''}`}
            {...selection.gutter(index)}
            className="w-10 shrink-0 touch-none self-start select-none pr-2 text-right text-ink-2 tabular-nums hover:bg-accent-wash hover:text-accent"
          >
            {number}
          </button>
        ) : (
          <span
            className="w-10 shrink-0 select-none self-start pr-2 text-right text-ink-2 tabular-nums"
            aria-hidden="true"
          >
            {number}
          </span>
        )
      ) : null}
      <LineText line={line} coloured={coloured} marks={marks} />
    </>
  )
}

/** Characters of the longest line on a side; `other` is what that side does not have. */
function widthOf(lines: readonly DiffLine[], other: DiffLine['kind']): number {
  return lines.reduce((most, { kind, text }) => (kind === other ? most : Math.max(most, text.length)), 0)
}
