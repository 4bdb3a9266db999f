import type { Tool } from './tool.ts'
import { chatTools } from './tools/chats.ts'
import { insideTools } from './tools/inside.ts'
import { logTools } from './tools/logs.ts'
import { researchTools } from './tools/research.ts'
import { templateTools } from './tools/templates.ts'
import { workspaceTools } from './tools/workspaces.ts'

/** Every tool by name (OA-87). */
export const allTools: readonly Tool[] = [
  ...workspaceTools,
  ...templateTools,
  ...logTools,
  ...insideTools,
  ...chatTools,
  ...researchTools,
].sort((a, b) => (a.name < b.name ? -1 : 1))

/** Sets of tools that clients can ask for (OA-88, OA-B22). */
export const TOOLSETS = ['standard', 'chatgpt', 'readonly'] as const
/** A set of tools. */
export type Toolset = (typeof TOOLSETS)[number]

const RESEARCH: ReadonlySet<string> = new Set(researchTools.map(({ name }) => name))

/** Whether a text names a set of tools. */
export function isToolset(text: string): text is Toolset {
  return TOOLSETS.some((known) => known === text)
}

/** The tools of a set, by name. */
export function toolsOf(toolset: Toolset): readonly Tool[] {
  switch (toolset) {
    case 'standard':
      return allTools.filter(({ name }) => !RESEARCH.has(name))
    case 'chatgpt':
      return allTools.filter(({ name }) => RESEARCH.has(name))
    case 'readonly':
      return toolsOf('standard').filter(({ annotations }) => annotations.readOnlyHint)
  }
}
