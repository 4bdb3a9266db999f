import type { ChatRow } from '../chats/index.ts'

/** What kind of run a chat is in (CH-11.1). */
export type RunKind = 'root' | 'child' | 'explore' | 'plan-root' | 'plan-child'

/** Tools that are there together. */
export type ToolSet =
  | 'reading'
  | 'writing'
  | 'attaching'
  | 'processes'
  | 'workspaces'
  | 'spawning'
  | 'steering'
  | 'planning'
  | 'external'
  | 'workspace-mcp'

/** Which names belong to a set; those of servers outside are not known here. */
export const SETS = {
  reading: ['read_file', 'execute', 'process_output', 'read_skill', 'read_skill_file'],
  writing: ['write_file', 'edit_files'],
  attaching: ['attach_file'],
  processes: ['process_list', 'process_signal'],
  workspaces: ['list_templates', 'read_template', 'create_workspace', 'start_workspace', 'stop_workspace'],
  spawning: ['spawn_agent', 'wait_agent', 'list_agents', 'list_subagent_models'],
  steering: ['message_agent', 'interrupt_agent'],
  planning: ['propose_plan', 'ask_user_question'],
} as const satisfies Partial<Record<ToolSet, readonly string[]>>

/**
 * Where each set may be used (CH-11.1). Of sets that are there in part: writing in plan mode reaches the plan file only,
 * explorers have the servers outside that were chosen when they were started, and plan mode only the approved ones.
 */
export const AVAILABILITY: Readonly<Record<ToolSet, Readonly<Record<RunKind, boolean | 'in part'>>>> = {
  reading: { root: true, child: true, explore: true, 'plan-root': true, 'plan-child': true },
  writing: { root: true, child: true, explore: false, 'plan-root': 'in part', 'plan-child': false },
  attaching: { root: true, child: true, explore: false, 'plan-root': true, 'plan-child': false },
  processes: { root: true, child: true, explore: false, 'plan-root': false, 'plan-child': false },
  workspaces: { root: true, child: false, explore: false, 'plan-root': true, 'plan-child': false },
  spawning: { root: true, child: false, explore: false, 'plan-root': true, 'plan-child': false },
  steering: { root: true, child: false, explore: false, 'plan-root': false, 'plan-child': false },
  planning: { root: false, child: false, explore: false, 'plan-root': true, 'plan-child': false },
  external: { root: true, child: true, explore: 'in part', 'plan-root': 'in part', 'plan-child': false },
  'workspace-mcp': { root: true, child: true, explore: false, 'plan-root': false, 'plan-child': false },
}

/** What kind of run a chat is in now. */
export function runKindOf(
  chat: Pick<ChatRow, 'parent_chat_id' | 'root_chat_id' | 'mode' | 'plan_mode'>,
): RunKind {
  const isChild = chat.parent_chat_id !== null || chat.root_chat_id !== null
  if (chat.mode === 'explore') return 'explore'
  if (chat.plan_mode === 'plan') return isChild ? 'plan-child' : 'plan-root'
  return isChild ? 'child' : 'root'
}

/** Whether tools of a set are there in such a run, if only in part. */
export function isAvailable(set: ToolSet, kind: RunKind): boolean {
  return AVAILABILITY[set][kind] !== false
}
