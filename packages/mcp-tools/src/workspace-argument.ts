import { ToolFault } from './tool.ts'

/** A workspace as a model names it (OA-92). */
export interface WorkspaceArgument {
  /** Absent for the caller's own. */
  readonly owner: string | undefined
  readonly name: string
  readonly agent: string | undefined
}

/** How models are told to name workspaces. */
export const WORKSPACE_FORMS =
  'Workspace as `name`, `owner/name` or `owner--name`, each with an optional `.agent`, or `agent.workspace.owner`. Without an owner it is one of yours. A stopped workspace is started and waited for.'

/**
 * Reads `name`, `owner/name` and `owner--name`, each with an optional `.agent`, and `agent.workspace.owner`, which has
 * exactly two dots and no slash (OA-92).
 *
 * @throws ToolFault for anything else.
 */
export function parseWorkspaceArgument(text: string): WorkspaceArgument {
  const given = text.trim()
  const dotted = given.split('.')
  if (dotted.length === 3 && !given.includes('/')) {
    const [agent = '', name = '', owner = ''] = dotted
    return checked(given, { owner, name, agent })
  }
  const [owner, rest] = splitOwner(given)
  const dot = rest.indexOf('.')
  if (dot < 0) return checked(given, { owner, name: rest, agent: undefined })
  return checked(given, { owner, name: rest.slice(0, dot), agent: rest.slice(dot + 1) })
}

function splitOwner(text: string): readonly [string | undefined, string] {
  for (const separator of ['/', '--']) {
    const at = text.indexOf(separator)
    if (at >= 0) return [text.slice(0, at), text.slice(at + separator.length)]
  }
  return [undefined, text]
}

const PART = /^[a-zA-Z0-9](?:[a-zA-Z0-9_-]*[a-zA-Z0-9])?$/

function checked(text: string, argument: WorkspaceArgument): WorkspaceArgument {
  for (const part of [argument.owner, argument.name, argument.agent])
    if (part !== undefined && !PART.test(part))
      throw new ToolFault(
        `${JSON.stringify(text)} names no workspace: write name, owner/name, owner--name, each with .agent if needed, or agent.workspace.owner`,
      )
  return argument
}
