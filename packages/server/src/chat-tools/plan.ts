import { ToolFault } from './fault.ts'
import type { ToolTurn } from './turn.ts'
import { memberOf } from './workspace/chat-workspace.ts'

/** The only file that is written while a chat plans (CH-1102). */
export function planFileOf(home: string, chatId: string): string {
  return `${home.replace(/\/+$/, '')}/.coder/plans/PLAN-${chatId}.md`
}

/** Whether a name is one that plans have. */
export function isPlanName(path: string): boolean {
  return /^plan(-[^/]*)?\.md$/i.test(path.slice(path.lastIndexOf('/') + 1))
}

/**
 * Refuses to write what may not be written (CH-1102): anything but the plan of this chat while it plans, and at other
 * times a plan that all chats of the workspace would share.
 *
 * @throws ToolFault naming the right file.
 */
export async function checkPlanPath(
  turn: ToolTurn,
  paths: readonly string[],
  signal: AbortSignal,
): Promise<void> {
  const isPlanning = turn.chat.plan_mode === 'plan'
  if (!isPlanning && !paths.some(isPlanName)) return
  const home = await homeOf(turn, signal)
  const plan = planFileOf(home, turn.chat.id)
  for (const path of paths) {
    if (isPlanning) {
      if (path !== plan)
        throw new ToolFault(
          'refused',
          `${path} may not be written while the chat plans.`,
          `Write the plan to ${plan}.`,
        )
      if (
        (await resolved(turn, path, signal)) !==
        (await resolved(turn, home, signal)) + plan.slice(home.length)
      )
        throw new ToolFault(
          'refused',
          `${path} leads to another file by a symbolic link.`,
          'Remove the link with execute.',
        )
    } else if (isPlanName(path)) {
      if (!path.startsWith('/'))
        throw new ToolFault('refused', `${path} is not absolute.`, `Write the plan to ${plan}.`)
      if (path === `${home}/PLAN.md`)
        throw new ToolFault(
          'refused',
          `${path} would be shared by all chats of the workspace.`,
          `Write the plan to ${plan}.`,
        )
    }
  }
}

/** The home folder of the workspace's account. */
export async function homeOf(turn: ToolTurn, signal: AbortSignal): Promise<string> {
  const answer = await turn.workspace.ask({ method: 'GET', path: '/api/v0/context-config' }, signal)
  return String(memberOf(answer, 'home') ?? '')
}

async function resolved(turn: ToolTurn, path: string, signal: AbortSignal): Promise<string> {
  const answer = await turn.workspace.ask(
    { method: 'GET', path: `/api/v0/resolve-path?${new URLSearchParams({ path })}` },
    signal,
  )
  return String(memberOf(answer, 'resolved_path') ?? '')
}
