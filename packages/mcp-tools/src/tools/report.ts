import { Type } from 'typebox'

import { WorkspaceAppStatusState } from '@slipway/contract'
import { defineTool, type Tool, ToolFault } from '../tool.ts'

const MAX_SUMMARY = 160

/** What an assistant says of its work. */
export interface TaskReport {
  readonly summary: string
  readonly link: string
  readonly state: WorkspaceAppStatusState
}

/**
 * The tool by which an assistant in a workspace reports what it does; only for servers that run beside it (OA-91, OA-96).
 *
 * @param report takes a report on its way; throws a `ToolFault` when it cannot.
 */
export function reportTaskTool(report: (task: TaskReport) => void): Tool {
  return defineTool({
    name: 'coder_report_task',
    title: 'Report task',
    description: `Tells whoever gave the task how it stands. Report whenever you begin something new, when you are done, and when you cannot go on. The summary has at most ${MAX_SUMMARY} characters, is about what you do now, and does not repeat the last one. The link leads to what you work on, such as a pull request or a file; it may be empty. The state is working while you work, idle when you wait for an answer, complete when the whole task is done, failure when you need help.`,
    effect: 'changes',
    input: Type.Object({
      summary: Type.String({ description: `What you do now, in at most ${MAX_SUMMARY} characters.` }),
      link: Type.String({ description: 'Address of what you work on; may be empty.' }),
      state: WorkspaceAppStatusState,
    }),
    output: Type.Object({ message: Type.String() }),
    scopes: [],
    run: async ({ summary, link, state }) => {
      if ([...summary].length > MAX_SUMMARY)
        throw new ToolFault(`summary must have at most ${MAX_SUMMARY} characters: shorten it`)
      report({ summary, link, state })
      return { message: 'Thanks for reporting!' }
    },
  })
}
