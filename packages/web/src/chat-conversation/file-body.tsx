import { useMemo } from 'react'

import { withHiddenWrittenOut } from '../ui/hidden-characters.ts'
import { ColouredPart } from './chat-code.tsx'
import { DiffView } from './diff-view.tsx'
import { diffLines, type FileDiff, fileDiff, parseUnifiedDiff } from './line-diff.ts'
import type { ToolCall } from './rows.ts'
import { argsOf, type Data, errorOf, list, number, resultOf, text } from './tool-data.ts'
import { useColours } from './use-colours.ts'
import { WindowedLines } from './windowed-lines.tsx'

/** What was read of a file, with its own line numbers. */
export function ReadBody({ call }: { readonly call: ToolCall }) {
  const result = resultOf(call)
  const path = text(argsOf(call), 'path') ?? text(argsOf(call), 'name') ?? ''
  const content =
    text(result, 'content') ??
    text(result, 'body') ??
    (typeof call.result?.result === 'string' ? call.result.result : undefined)
  const error = errorOf(call)
  const lines = useMemo(() => numberedLines(content ?? ''), [content])
  const whole = useMemo(() => lines.map(({ text: line }) => line).join('\n'), [lines])
  const total = number(result, 'total_lines')
  const colours = useColours(whole, /\.(\w+)$/.exec(path)?.[1] ?? '')
  return (
    <div className="overflow-hidden rounded-card border border-line bg-surface">
      <div className="flex min-h-8 items-center gap-2 border-b border-line px-3 text-xs">
        <span className="min-w-0 flex-1 truncate font-mono" title={withHiddenWrittenOut(path)}>
          <bdi>{withHiddenWrittenOut(path)}</bdi>
        </span>
        {total === undefined ? null : (
          <span className="text-ink-3 tabular-nums">
            {number(result, 'lines_read') ?? lines.length} of {total} lines
          </span>
        )}
      </div>
      {error === undefined ? (
        content === undefined ? null : (
          <WindowedLines
            label={path}
            count={lines.length}
            className="py-1.5"
            line={(index) => {
              const { number: named, text: line = '', from = 0 } = lines[index] ?? {}
              return (
                <div className="flex whitespace-pre pr-3">
                  <span
                    className="w-12 shrink-0 select-none pr-3 text-right text-ink-3 tabular-nums"
                    aria-hidden="true"
                  >
                    {named}
                  </span>
                  <span>
                    {colours === undefined ? (
                      line
                    ) : (
                      <ColouredPart text={whole} colours={colours} from={from} until={from + line.length} />
                    )}
                  </span>
                </div>
              )
            }}
          />
        )
      ) : (
        <p className="whitespace-pre-wrap px-3 py-2 text-xs text-bad">{error}</p>
      )}
    </div>
  )
}

interface NumberedLine {
  readonly number: string | undefined
  readonly text: string
  /** Where it begins in the text without numbers. */
  readonly from: number
}

/** The tool puts the number and a tab or an arrow before each line. */
function numberedLines(content: string): readonly NumberedLine[] {
  let from = 0
  return content
    .replace(/\n$/, '')
    .split('\n')
    .map((line) => {
      const [, named, rest] = /^\s*(\d+)(?:\t|→|: ?|\| ?)(.*)$/.exec(line) ?? []
      const found = { number: named, text: rest ?? line, from }
      from += found.text.length + 1
      return found
    })
}

/** Changes of files: as the tool tells them, else from what the model asked for. */
export function EditBody({ call }: { readonly call: ToolCall }) {
  const files = changesOf(call)
  const error = errorOf(call)
  return (
    <div className="flex flex-col gap-2">
      {error === undefined ? null : <p className="whitespace-pre-wrap text-sm text-bad">{error}</p>}
      {files.map((file) => (
        <DiffView key={file.path} file={file} />
      ))}
    </div>
  )
}

/** The changes that a call of `edit_files` or `write_file` makes or made. */
export function changesOf(call: ToolCall): readonly FileDiff[] {
  const args = argsOf(call)
  if (call.name === 'write_file')
    return [
      fileDiff(
        text(args, 'path') ?? '',
        diffLines('', (text(args, 'content') ?? '').replace(/\n$/, '')).map((line, index) => ({
          ...line,
          new: index + 1,
        })),
      ),
    ]
  const told = toldDiffs(resultOf(call))
  if (told.length > 0) return told
  return list(args, 'files').map((file) =>
    fileDiff(
      text(file, 'path') ?? '',
      list(file, 'edits').flatMap((edit, index) => [
        ...(index === 0 ? [] : [{ kind: 'gap', text: '' } as const]),
        ...diffLines(
          text(edit, 'old_text') ?? text(edit, 'search') ?? '',
          text(edit, 'new_text') ?? text(edit, 'replace') ?? '',
        ),
      ]),
    ),
  )
}

function toldDiffs(result: Data | undefined): readonly FileDiff[] {
  if (result === undefined) return []
  const single = text(result, 'diff')
  const several = [...list(result, 'files'), ...list(result, 'diffs'), ...list(result, 'results')]
  return [
    ...(single === undefined ? [] : parseUnifiedDiff(single)),
    ...several.flatMap((file) => {
      const diff = text(file, 'diff') ?? text(file, 'unified_diff')
      if (diff === undefined) return []
      const path = text(file, 'path')
      const files = parseUnifiedDiff(diff)
      return path === undefined ? files : files.map((one) => ({ ...one, path }))
    }),
  ]
}
