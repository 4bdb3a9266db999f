import type { Command } from 'commander'

import {
  listMcpServerConfigs,
  type MCPServerConfig,
  type MCPServerTool,
  type TestMCPServerConfigResponse,
  testMcpServerConfig,
} from '@slipway/contract'
import type { Connection } from '../connection.ts'
import { CommandError } from '../errors.ts'
import { chosenOrganization, type OrganizationFlags, organizationOption } from '../organization.ts'
import { ago, type Column, type OutputFlags, printRow, printRows, tableOptions } from '../output.ts'
import { openSession } from '../session.ts'

const COLUMNS: readonly Column<MCPServerConfig>[] = [
  { name: 'id', value: (one) => one.id, extra: true },
  { name: 'slug', value: (one) => one.slug },
  { name: 'name', value: (one) => one.display_name },
  { name: 'url', value: (one) => one.url },
  { name: 'auth', value: (one) => one.auth_type },
  { name: 'availability', value: (one) => one.availability },
  { name: 'enabled', value: (one) => String(one.enabled) },
  { name: 'connected', value: (one) => String(one.auth_connected) },
  { name: 'health', value: (one) => one.health.status },
  { name: 'error', value: (one) => one.health.error, extra: true },
  {
    name: 'checked at',
    value: ({ health: { checked_at: at } }) => (at === null ? 'never' : ago(at)),
    extra: true,
  },
]

const TOOL_COLUMNS: readonly Column<MCPServerTool>[] = [
  { name: 'tool', value: (tool) => tool.name },
  { name: 'as', value: (tool) => tool.exposed_name },
  { name: 'offered', value: (tool) => (tool.offered ? 'yes' : '') },
  { name: 'reads only', value: (tool) => (tool.read_only ? 'yes' : '') },
  { name: 'description', value: (tool) => tool.description, extra: true },
]

interface TestFlags extends OutputFlags, OrganizationFlags {
  readonly tool?: string
  readonly arguments?: string
}

/** `mcp-servers …`. */
export function mcpServerCommands(program: Command): void {
  const servers = program.command('mcp-servers')
  organizationOption(tableOptions(servers.command('list'), COLUMNS))
    .alias('ls')
    .description('List the MCP servers of an organization')
    .action(async (own: OutputFlags & OrganizationFlags, command: Command) => {
      const client = await openSession(command)
      const { id: organization } = await chosenOrganization(client, own)
      printRows(await client.call(listMcpServerConfigs, { params: { organization } }), COLUMNS, own)
    })
  organizationOption(tableOptions(servers.command('show <server>'), COLUMNS))
    .description('Show an MCP server, by slug or id')
    .action(async (text: string, own: OutputFlags & OrganizationFlags, command: Command) => {
      const client = await openSession(command)
      printRow(await findServer(client, own, text), COLUMNS, own)
    })
  organizationOption(tableOptions(servers.command('test <server>'), TOOL_COLUMNS))
    .description('Connect to an MCP server as a chat of yours would, list its tools, and call one if named')
    .option('--tool <name>', 'tool to call, by the name that the server gives it')
    .option('--arguments <json>', 'what it is called with, as a JSON object')
    .action(async (text: string, own: TestFlags, command: Command) => {
      if (own.arguments !== undefined && own.tool === undefined)
        throw new CommandError('--arguments are for a tool: name it with --tool')
      const body = {
        ...(own.tool === undefined ? {} : { tool: own.tool }),
        ...(own.arguments === undefined ? {} : { arguments: argumentsIn(own.arguments) }),
      }
      const client = await openSession(command)
      const { id, organization_id: organization } = await findServer(client, own, text)
      const tested = await client.call(testMcpServerConfig, {
        params: { organization, mcpserverconfig: id },
        body,
      })
      if (own.output === 'json') process.stdout.write(`${JSON.stringify(tested, null, 2)}\n`)
      else print(tested, own)
      if (!tested.ok || tested.result?.is_error === true) process.exitCode = 1
    })
}

function print(tested: TestMCPServerConfigResponse, own: OutputFlags): void {
  if (tested.protocol_version !== '')
    process.stderr.write(
      `${tested.server_name} ${tested.server_version}, MCP ${tested.protocol_version}, ${tested.latency_ms} ms\n`,
    )
  if (tested.error !== undefined) process.stderr.write(`${tested.error.code}: ${tested.error.message}\n`)
  if (tested.result !== undefined) process.stdout.write(`${JSON.stringify(tested.result.content, null, 2)}\n`)
  else if (tested.ok) printRows(tested.tools, TOOL_COLUMNS, own)
}

function argumentsIn(text: string): Record<string, unknown> {
  let value: unknown
  try {
    value = JSON.parse(text)
  } catch (error) {
    throw new CommandError(
      `--arguments are no JSON: ${error instanceof Error ? error.message : String(error)}`,
    )
  }
  if (typeof value !== 'object' || value === null || Array.isArray(value))
    throw new CommandError('--arguments must be a JSON object')
  return { ...value }
}

/** A server of the organization by its slug or its id. @throws CommandError when there is none. */
async function findServer(
  client: Connection,
  flags: OrganizationFlags,
  text: string,
): Promise<MCPServerConfig> {
  const { id: organization, name } = await chosenOrganization(client, flags)
  const all = await client.call(listMcpServerConfigs, { params: { organization } })
  const found = all.find((one) => one.slug === text || one.id === text.toLowerCase())
  if (found === undefined)
    throw new CommandError(`${name} has no MCP server ${text}: \`slipway mcp-servers list\` shows all`)
  return found
}
