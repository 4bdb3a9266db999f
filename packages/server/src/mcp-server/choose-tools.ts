import { isToolset, type Tool, type Toolset, toolsOf } from '@slipway/mcp-tools'
import { covers } from '../authz/index.ts'
import { badRequest } from '../errors/index.ts'

/** The tools of a client. */
export interface ChosenTools {
  /** Those that it sees: what its token cannot do is left out (OA-B6). */
  readonly visible: readonly Tool[]
  /** Those that it has asked for and that the deployment offers, by name. */
  readonly offered: ReadonlyMap<string, Tool>
  /** Whether prompts and resources go with them: assistants that only search have no use for them (OA-88). */
  readonly hasMore: boolean
}

/**
 * Chooses from all tools by what the address asks for (OA-88, OA-B22), what the deployment allows and what the scopes of
 * the key permit.
 *
 * @throws ApiError 400 for an unknown set of tools.
 */
export function chooseTools(
  search: URLSearchParams,
  allowed: readonly string[],
  scopes: readonly string[],
): ChosenTools {
  const toolset = search.get('toolset') || 'standard'
  if (!isToolset(toolset)) throw badRequest(`Invalid toolset: ${toolset}`)
  const list = search.get('tools')
  const named =
    list === null
      ? []
      : list
          .split(',')
          .map((name) => name.trim())
          .filter((name) => name !== '')
  const whole = named.length === 0 && allowed.length === 0 ? wholeSets[toolset] : undefined
  const { tools, offered } =
    whole ??
    byName(
      toolsOf(toolset).filter(
        ({ name }) =>
          (named.length === 0 || named.includes(name)) && (allowed.length === 0 || allowed.includes(name)),
      ),
    )
  return {
    visible: scopes.includes('coder:all') ? tools : tools.filter((tool) => covers(scopes, tool.scopes)),
    offered,
    hasMore: toolset !== 'chatgpt',
  }
}

interface NamedTools {
  readonly tools: readonly Tool[]
  readonly offered: ReadonlyMap<string, Tool>
}

function byName(tools: readonly Tool[]): NamedTools {
  return { tools, offered: new Map(tools.map((tool) => [tool.name, tool])) }
}

/** What nearly all requests ask for. */
const wholeSets: Readonly<Record<Toolset, NamedTools>> = {
  standard: byName(toolsOf('standard')),
  chatgpt: byName(toolsOf('chatgpt')),
  readonly: byName(toolsOf('readonly')),
}
