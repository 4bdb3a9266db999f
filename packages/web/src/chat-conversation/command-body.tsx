import { CopyButton } from '../ui/copyable.tsx'
import { formatDuration } from '../ui/duration.ts'
import { withHiddenWrittenOut } from '../ui/hidden-characters.ts'
import type { ToolCall } from './rows.ts'
import { TerminalOutput } from './terminal-output.tsx'
import { argsOf, asData, errorOf, flag, number, resultOf, text } from './tool-data.ts'
import { runsOn } from './tool-words.ts'

/** A command, what it said, and how it ended (UI-1137). */
export function CommandBody({ call, live }: { readonly call: ToolCall; readonly live: boolean }) {
  const args = argsOf(call)
  const result = resultOf(call)
  const command = text(args, 'command') ?? text(result, 'command')
  const output =
    text(result, 'output') ?? (call.result?.result === undefined ? call.result?.result_delta : undefined)
  const error = runsOn(call) ? undefined : errorOf(call)
  const marks = marksOf(call)
  const workdir = text(args, 'workdir')
  return (
    <div className="overflow-hidden rounded-card border border-line bg-console">
      {command === undefined ? null : (
        <div className="flex items-start gap-1 border-b border-line pr-1">
          <pre className="min-w-0 flex-1 whitespace-pre-wrap py-2 pl-3 text-xs leading-5 [overflow-wrap:anywhere]">
            <span className="select-none text-ink-3">{workdir === undefined ? '' : `${workdir} `}$ </span>
            {withHiddenWrittenOut(command)}
          </pre>
          <CopyButton text={command} label="Copy the command" />
        </div>
      )}
      {output === undefined || output === '' ? (
        live ? (
          <p className="px-3 py-2 text-xs text-ink-3">No output yet</p>
        ) : error === undefined ? (
          <p className="px-3 py-2 text-xs text-ink-3">No output</p>
        ) : null
      ) : (
        <TerminalOutput text={output} live={live} />
      )}
      {error === undefined ? null : (
        <p className="whitespace-pre-wrap border-t border-line px-3 py-2 text-xs text-bad">{error}</p>
      )}
      {marks.length === 0 ? null : (
        <p className="flex flex-wrap gap-x-3 border-t border-line px-3 py-1.5 text-xs text-ink-2">
          {marks.map((mark) => (
            <span key={mark}>{mark}</span>
          ))}
        </p>
      )}
    </div>
  )
}

/** What is to be known about how a command ended. */
function marksOf(call: ToolCall): readonly string[] {
  const result = resultOf(call)
  const code = number(result, 'exit_code')
  const wall = number(result, 'wall_duration_ms')
  const cut = asData(result?.truncated)
  const omitted = number(cut, 'omitted_bytes')
  const process = text(result, 'background_process_id')
  return [
    code === undefined || runsOn(call) ? undefined : `Exit code ${code}`,
    wall === undefined ? undefined : formatDuration(wall),
    process === undefined
      ? undefined
      : flag(result, 'backgrounded') || flag(argsOf(call), 'run_in_background')
        ? `In the background as ${process}`
        : `Still running as ${process}`,
    flag(result, 'running') ? 'Still running' : undefined,
    omitted === undefined ? undefined : `${omitted.toLocaleString('en')} bytes of output left out`,
    text(result, 'note'),
  ].filter((mark) => mark !== undefined)
}
