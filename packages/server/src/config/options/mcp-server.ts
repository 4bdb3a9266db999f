import { option } from '../option.ts'
import { list } from '../value-type.ts'

/** What MCP clients get of this deployment. */
export const mcpServerOptions = {
  mcpAllowedTools: option(list(), {
    name: 'MCP Allowed Tools',
    flag: 'mcp-http-allowed-tools',
    yaml: 'mcpHttpAllowedTools',
    help: 'Tools that the MCP endpoint offers, such as coder_list_workspaces; none offers all.',
  }),
}
