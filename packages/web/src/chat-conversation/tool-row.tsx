import { Archive } from 'lucide-react'
import type { ReactNode } from 'react'

import { ActivityRow, type Phase } from './activity-row.tsx'
import { CommandBody } from './command-body.tsx'
import { useActive, useConversation, useOpened } from './conversation-context.ts'
import { DiffCounts } from './diff-view.tsx'
import { changesOf, EditBody, ReadBody } from './file-body.tsx'
import { PlanCard } from './plan-card.tsx'
import { QuestionCard } from './question-card.tsx'
import type { ToolCall } from './rows.ts'
import { SubagentBody, useSubagentTitle } from './subagent-body.tsx'
import { JsonBody, TableBody } from './table-body.tsx'
import { ModelText } from './text-row.tsx'
import { argsOf, errorOf, flag, number, resultOf, text } from './tool-data.ts'
import { durationOf, phaseOf, runsOn, toolWords } from './tool-words.ts'
import { WorkspaceBody } from './workspace-body.tsx'

/** Changes of at most so many lines are open from the start. */
const SHORT_DIFF = 40

interface ToolsProps {
  readonly id: string
  readonly calls: readonly ToolCall[]
  /** Nothing of the user came after it. */
  readonly newest: boolean
}

/** A call of a tool, or several reads of files in a row (UI-1137). */
export function ToolsRow({ id, calls, newest }: ToolsProps) {
  const active = useActive()
  const [first] = calls
  if (first === undefined) return null
  if (calls.length > 1) return <ReadsRow id={id} calls={calls} active={active && newest} />
  const phase = phaseOf(first, active && newest)
  switch (first.name) {
    case 'propose_plan':
      return <PlanCard call={first} live={phase === 'running'} newest={newest} />
    case 'ask_user_question':
      return <QuestionCard call={first} newest={newest && !active} />
    case 'chat_summarized':
      return <SummaryMark id={id} call={first} phase={phase} />
    default:
      return <ToolRow id={id} call={first} phase={phase} />
  }
}

function ToolRow({
  id,
  call,
  phase,
}: {
  readonly id: string
  readonly call: ToolCall
  readonly phase: Phase
}) {
  const [open, toggle] = useOpened(id, useOpenByDefault(call, phase))
  const subagent = useSubagentTitle(call)
  const words = toolWords(call, phase)
  if (words === undefined) return null
  return (
    <ActivityRow
      icon={words.icon}
      verb={words.verb}
      object={words.object ?? subagent}
      mono={words.mono === true}
      phase={phase}
      note={<ToolNote call={call} phase={phase} />}
      reason={phase === 'failed' && !open ? errorOf(call)?.split('\n')[0] : undefined}
      durationMs={durationOf(call)}
      open={open}
      onToggle={toggle}
    >
      {open ? bodyOf(call, phase) : null}
    </ActivityRow>
  )
}

function useOpenByDefault(call: ToolCall, phase: Phase): boolean {
  const { preferences } = useConversation()
  switch (call.name) {
    case 'execute':
    case 'process_output': {
      const mode = preferences?.shell_tool_display_mode ?? 'auto'
      return mode === 'always_expanded' || (mode === 'auto' && phase === 'running')
    }
    case 'edit_files':
    case 'write_file': {
      const mode = preferences?.code_diff_display_mode ?? ''
      if (mode === 'always_expanded') return true
      if (mode === 'always_collapsed' || phase === 'running') return false
      const lines = changesOf(call).reduce((sum, file) => sum + file.lines.length, 0)
      return call.name === 'edit_files' && lines <= SHORT_DIFF
    }
    case 'create_workspace':
    case 'start_workspace':
      return phase === 'running'
    default:
      return false
  }
}

function bodyOf(call: ToolCall, phase: Phase): ReactNode {
  const live = phase === 'running'
  switch (call.name) {
    case 'execute':
    case 'process_output':
      return <CommandBody call={call} live={live} />
    case 'read_file':
    case 'read_skill':
    case 'read_skill_file':
      return <ReadBody call={call} />
    case 'write_file':
    case 'edit_files':
      return <EditBody call={call} />
    case 'create_workspace':
    case 'start_workspace':
    case 'stop_workspace':
      return <WorkspaceBody call={call} live={live} />
    case 'spawn_agent':
    case 'wait_agent':
    case 'message_agent':
    case 'interrupt_agent':
    case 'close_agent':
      return <SubagentBody call={call} />
    case 'advisor': {
      const advice = text(resultOf(call), 'advice') ?? call.result?.result_delta
      return advice === undefined ? <JsonBody call={call} /> : <ModelText text={advice} live={false} small />
    }
    default:
      return <TableBody call={call} />
  }
}

/** What a row says behind its object without being opened. */
function ToolNote({ call, phase }: { readonly call: ToolCall; readonly phase: Phase }) {
  const result = resultOf(call)
  if (phase === 'stopped') return <span className="text-ink-3">stopped</span>
  switch (call.name) {
    case 'execute':
    case 'process_output': {
      const code = number(result, 'exit_code')
      if (code !== undefined && code !== 0 && !runsOn(call))
        return <span className="text-bad">exit {code}</span>
      if (phase === 'done' && runsOn(call))
        return (
          <span className="text-ink-3">
            {flag(result, 'backgrounded') ? 'in the background' : 'still running'}
          </span>
        )
      return null
    }
    case 'edit_files':
    case 'write_file': {
      const files = changesOf(call)
      if (phase === 'failed' || files.length === 0) return null
      const added = files.reduce((sum, file) => sum + file.added, 0)
      return <DiffCounts added={added} removed={files.reduce((sum, file) => sum + file.removed, 0)} />
    }
    case 'read_file': {
      const offset = number(argsOf(call), 'offset')
      const read = number(result, 'lines_read')
      if (read === undefined) return null
      return (
        <span className="text-ink-3">
          {offset === undefined ? (read === 1 ? '1 line' : `${read} lines`) : `from line ${offset}`}
        </span>
      )
    }
    default:
      return null
  }
}

/** Several files in one line; each of them opens in place. */
function ReadsRow({
  id,
  calls,
  active,
}: {
  readonly id: string
  readonly calls: readonly ToolCall[]
  readonly active: boolean
}) {
  const [open, toggle] = useOpened(id, false)
  const running = calls.some((call) => phaseOf(call, active) === 'running')
  const [first] = calls
  if (first === undefined) return null
  const words = toolWords(first, 'done')
  if (words === undefined) return null
  const paths = calls.flatMap((call) => text(argsOf(call), 'path')?.split('/').at(-1) ?? [])
  return (
    <ActivityRow
      icon={words.icon}
      verb={`${running ? 'Reading' : 'Read'} ${calls.length} files`}
      object={paths.join(', ')}
      mono
      phase={running ? 'running' : 'done'}
      open={open}
      onToggle={toggle}
    >
      {open
        ? calls.map((call) => (
            <ToolRow key={call.id} id={`${id}/${call.id}`} call={call} phase={phaseOf(call, active)} />
          ))
        : null}
    </ActivityRow>
  )
}

/** Where older messages were summed up for the model (CH-802). */
function SummaryMark({
  id,
  call,
  phase,
}: {
  readonly id: string
  readonly call: ToolCall
  readonly phase: Phase
}) {
  const [open, toggle] = useOpened(id, false)
  const result = resultOf(call)
  const tokens = number(result, 'context_tokens')
  const share = number(result, 'usage_percent')
  const summary = text(result, 'summary')
  const source = text(result, 'source') ?? text(argsOf(call), 'source')
  const facts = [
    source === 'manual' ? 'asked for' : source,
    share === undefined ? undefined : `${Math.round(share)} % of the context`,
    tokens === undefined ? undefined : `${tokens.toLocaleString('en')} tokens`,
  ].filter((fact) => fact !== undefined)
  return (
    <div className="my-1 border-y border-line py-1">
      <ActivityRow
        icon={Archive}
        verb={phase === 'running' ? 'Summing up what came before' : 'Earlier messages were summed up'}
        phase={phase}
        note={<span className="text-ink-3">{facts.join(' · ')}</span>}
        open={open}
        onToggle={toggle}
      >
        {summary === undefined ? undefined : <ModelText text={summary} live={false} small />}
      </ActivityRow>
    </div>
  )
}
