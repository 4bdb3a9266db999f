import { useQuery } from '@tanstack/react-query'

import type { ChatStatus } from '@slipway/contract'
import { chatQuery } from '../chats/queries.ts'
import { AppLink } from '../navigation/app-link.tsx'
import { paths } from '../paths.ts'
import { useChatView, useConversation } from './conversation-context.ts'
import type { ToolCall } from './rows.ts'
import { ModelText } from './text-row.tsx'
import { argsOf, errorOf, resultOf, text } from './tool-data.ts'

const WORDS: Record<ChatStatus, string> = {
  waiting: 'Done',
  running: 'Working',
  interrupting: 'Stopping',
  requires_action: 'Waits for you',
  error: 'Failed',
}

/** A subagent as it is now, not as it was when the tool answered (UI-1137). */
export function SubagentBody({ call }: { readonly call: ToolCall }) {
  const { chat, models } = useConversation()
  const args = argsOf(call)
  const result = resultOf(call)
  const id = text(result, 'chat_id') ?? text(args, 'chat_id')
  const status = useSubagentStatus(id)
  const model = models.find((one) => one.id === text(args, 'model_config_id'))
  const prompt = text(args, 'prompt') ?? text(args, 'message')
  const report = text(result, 'report')
  const error = errorOf(call)
  const facts = [
    status === undefined ? undefined : WORDS[status],
    text(args, 'type') ?? text(result, 'type'),
    model?.display_name,
    text(args, 'reasoning_effort'),
  ].filter((fact) => fact !== undefined)
  return (
    <div className="flex flex-col gap-2 text-sm">
      <p className="flex flex-wrap items-center gap-x-3 gap-y-1 text-ink-2">
        {facts.map((fact) => (
          <span key={fact}>{fact}</span>
        ))}
        {id === undefined || id === chat.id ? null : (
          <AppLink href={paths.chat(id)} className="link">
            Open the subagent
          </AppLink>
        )}
      </p>
      {error === undefined ? null : <p className="whitespace-pre-wrap text-bad">{error}</p>}
      {prompt === undefined ? null : (
        <div>
          <h4 className="text-xs font-medium text-ink-3">Task</h4>
          <p className="mt-0.5 whitespace-pre-wrap text-ink-2">{prompt}</p>
        </div>
      )}
      {report === undefined ? null : (
        <div>
          <h4 className="text-xs font-medium text-ink-3">Report</h4>
          <div className="mt-0.5">
            <ModelText text={report} live={false} small />
          </div>
        </div>
      )}
    </div>
  )
}

/** What the subagent of a call is called, before the tool has answered. */
export function useSubagentTitle(call: ToolCall): string | undefined {
  const { chat } = useConversation()
  const id = text(argsOf(call), 'chat_id')
  return id === undefined ? undefined : chat.children.find((child) => child.id === id)?.title
}

/** What a subagent does now: from the stream of its root, else from the chat itself. */
function useSubagentStatus(id: string | undefined): ChatStatus | undefined {
  const { session, chat } = useConversation()
  const streamed = useChatView(session, (view) => (id === undefined ? undefined : view.chat.others.get(id)))
  const listed = chat.children.find((child) => child.id === id)?.status
  const asked = useQuery({
    ...chatQuery(id ?? ''),
    enabled: id !== undefined && streamed === undefined && listed === undefined,
    staleTime: 30_000,
  }).data?.status
  return streamed ?? listed ?? asked
}
