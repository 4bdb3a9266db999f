import { Brain } from 'lucide-react'

import type { ChatMessagePart } from '@slipway/contract'
import { ActivityRow } from './activity-row.tsx'
import { useConversation, useOpened } from './conversation-context.ts'
import { reasoningTitle } from './reasoning-title.ts'
import { ModelText } from './text-row.tsx'

const PREVIEW_LINES = 3

/** What the model thinks, folded or open as the viewer likes it (UI-1137). */
export function ReasoningRow({
  id,
  part,
  live,
}: {
  readonly id: string
  readonly part: ChatMessagePart
  readonly live: boolean
}) {
  const { preferences } = useConversation()
  const mode = preferences?.thinking_display_mode ?? 'auto'
  const [open, toggle] = useOpened(
    id,
    mode === 'always_expanded' || (live && (mode === 'auto' || mode === 'preview')),
  )
  const text = part.text ?? ''
  const { title, rest } = reasoningTitle(text)
  const shown =
    mode === 'preview' && live ? rest.trimEnd().split('\n').slice(-PREVIEW_LINES).join('\n') : rest
  const took =
    part.created_at === undefined || part.completed_at === undefined
      ? undefined
      : Date.parse(part.completed_at) - Date.parse(part.created_at)
  return (
    <ActivityRow
      icon={Brain}
      verb={live ? 'Thinking' : 'Thought'}
      object={title}
      phase={live ? 'running' : 'done'}
      durationMs={took}
      open={open}
      onToggle={toggle}
    >
      <div className="text-sm text-ink-2">
        <ModelText text={shown} live={live && mode !== 'preview'} small />
      </div>
    </ActivityRow>
  )
}
