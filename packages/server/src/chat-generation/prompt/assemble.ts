import type { ChatRow } from '../../chats/index.ts'
import { textOf } from '../../chats/index.ts'
import type { History } from '../history.ts'
import { EXPLORE_OVERLAY, PLAN_SUBAGENT_OVERLAY, planOverlay, SUBAGENT_INSTRUCTION } from './texts.ts'

/** What is told in front of a conversation beside what is stored with it. */
export interface Surroundings {
  /** Instructions and skills of the workspace, as blocks. */
  readonly workspace: readonly string[]
  /** What the owner tells models in all chats; empty for nothing. */
  readonly userPrompt: string
  /** What administrators say about plan mode; empty for nothing. */
  readonly planInstructions: string
}

/** Everything that a model is told before the conversation: what is stored, then what holds now, in order (CH-702). */
export function systemTexts(
  chat: Pick<ChatRow, 'id' | 'parent_chat_id' | 'mode' | 'plan_mode'>,
  { system }: History,
  { workspace, userPrompt, planInstructions }: Surroundings,
): readonly string[] {
  const isChild = chat.parent_chat_id !== null
  return [
    ...system.map(({ parts }) => textOf(parts)),
    ...(isChild ? [SUBAGENT_INSTRUCTION] : []),
    ...workspace,
    ...(userPrompt === '' ? [] : [`<user-instructions>\n${userPrompt}\n</user-instructions>`]),
    ...overlays(chat, isChild, planInstructions),
  ].filter((text) => text !== '')
}

function overlays(
  { id, mode, plan_mode }: Pick<ChatRow, 'id' | 'mode' | 'plan_mode'>,
  isChild: boolean,
  planInstructions: string,
): readonly string[] {
  if (mode === 'explore') return [EXPLORE_OVERLAY]
  if (plan_mode === null) return []
  return isChild ? [PLAN_SUBAGENT_OVERLAY] : [planOverlay(id), planInstructions]
}
