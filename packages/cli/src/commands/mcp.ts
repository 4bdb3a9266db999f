import { homedir } from 'node:os'
import path from 'node:path'

import type { Command } from 'commander'

import { ApiFailure, ConnectionFailure } from '@slipway/client'
import { getUser } from '@slipway/contract'
import type { Connection } from '../connection.ts'
import { CommandError } from '../errors.ts'
import { flagsOf, type GlobalFlags, listOption, option } from '../flags.ts'
import { changeJson, type StdioEntry, withBlocks, withProject, withServer } from '../mcp/client-config.ts'
import { lastingFlags, ownProgram } from '../own-program.ts'
import { contentOf, replaceFile } from '../replace-file.ts'
import { LOGGED_OUT, openSession } from '../session.ts'
import { experimentalPriceCommands } from './ai-model-prices.ts'

interface ServerFlags {
  readonly instructions: string
  readonly allowedTools?: readonly string[]
  readonly appStatusSlug?: string
  readonly aiAgentapiUrl?: string
  readonly socketPath?: string
}

interface ClaudeCodeFlags {
  readonly claudeConfigPath: string
  readonly claudeMdPath: string
  readonly claudeApiKey?: string
  readonly claudeCoderPrompt: string
  readonly claudeSystemPrompt: string
}

const CODER_PROMPT =
  'The MCP server `coder` manages development workspaces and their templates. Name a workspace as `name` or `owner/name`, with `.agent` behind it when it has several agents. A tool that works inside a workspace starts it when it is stopped. Ask before you delete a workspace or a template.'
const SYSTEM_PROMPT =
  'You are a careful software engineer. Find out by yourself what you can, test what you change, and take no shortcuts that only look like a solution. When you cannot go on, say what you have tried and ask.'

/** `exp …`: commands that may still change. */
export function experimentalCommands(program: Command): void {
  const experimental = program.command('exp')
  const mcp = experimental
    .command('mcp')
    .description('Give AI assistants the tools of the server (Model Context Protocol)')
  serverCommand(mcp)
  configureCommands(mcp.command('configure').description('Let an assistant on this machine use the tools'))
  experimentalPriceCommands(experimental)
}

function serverCommand(mcp: Command): void {
  mcp
    .command('server')
    .description('Speak MCP on standard input and output; assistants run this')
    .addOption(
      option(
        '--instructions <text>',
        'what assistants are told of this server',
        'CODER_MCP_INSTRUCTIONS',
      ).default(''),
    )
    .addOption(
      listOption(
        '--allowed-tools <tool>',
        'tool to offer, given once for each; all when absent',
        'CODER_MCP_ALLOWED_TOOLS',
      ),
    )
    .addOption(
      option(
        '--app-status-slug <slug>',
        'app of the workspace under which the task of the assistant is reported',
        'CODER_MCP_APP_STATUS_SLUG',
      ),
    )
    .addOption(
      option(
        '--ai-agentapi-url <url>',
        'AgentAPI of the assistant, whose screen tells when it works and when it waits',
        'CODER_MCP_AI_AGENTAPI_URL',
      ),
    )
    .addOption(
      option(
        '--socket-path <file>',
        'socket of the agent of the workspace, which takes the reports',
        'CODER_AGENT_SOCKET_PATH',
      ),
    )
    .action(async (own: ServerFlags, command: Command) => {
      const [{ allowedTools, stdioServer }, { reportTasks }, { allTools }, { serveStdio }] =
        await Promise.all([
          import('../mcp/stdio-server.ts'),
          import('../mcp/report-tasks.ts'),
          import('@slipway/mcp-tools'),
          import('@modelcontextprotocol/server/stdio'),
        ])
      const say = (line: string): void => void process.stderr.write(`${line}\n`)
      const reporter = await reportTasks({
        socketPath: own.socketPath,
        appSlug: own.appStatusSlug,
        screenUrl: own.aiAgentapiUrl,
        onFailure: say,
      })
      try {
        const client = await userSession(command, reporter !== undefined)
        const offered = [
          ...(client === undefined ? [] : allTools),
          ...(reporter === undefined ? [] : [reporter.tool]),
        ].sort((a, b) => (a.name < b.name ? -1 : 1))
        const { tools, unknown } = allowedTools(own.allowedTools ?? [], offered)
        if (unknown.length > 0) say(`There is no tool ${unknown.join(', ')} here.`)
        const closed = new Promise<void>((resolve) => {
          for (const event of ['end', 'close']) process.stdin.once(event, () => resolve())
        })
        serveStdio(() => stdioServer({ client, instructions: own.instructions, tools }), {
          onerror: (error) => say(error.message),
        })
        await closed
      } finally {
        await reporter?.[Symbol.asyncDispose]()
      }
    })
}

/**
 * The session of the user, if there is one.
 *
 * @param isOptional whether something can be done without one, such as reporting a task (OA-96).
 * @throws CommandError without a valid session when it is not optional.
 */
async function userSession(command: Command, isOptional: boolean): Promise<Connection | undefined> {
  try {
    const client = await openSession(command)
    await requireUser(client)
    return client
  } catch (error) {
    if (!isOptional || !(error instanceof CommandError)) throw error
    process.stderr.write(`${error.message} Only the task is reported.\n`)
    return undefined
  }
}

/** @throws CommandError without a valid session. A server that cannot be reached may be there when a tool is called. */
async function requireUser(client: Connection): Promise<void> {
  try {
    const { username } = await client.call(getUser, { params: { user: 'me' } })
    process.stderr.write(`Serving MCP as ${username} of ${client.url}.\n`)
  } catch (error) {
    if (error instanceof ApiFailure && error.status === 401) throw new CommandError(LOGGED_OUT)
    if (!(error instanceof ConnectionFailure)) throw error
    process.stderr.write(`${error.message} now (${error.reason}); tools will try again.\n`)
  }
}

function configureCommands(configure: Command): void {
  configure
    .command('claude-desktop')
    .description('Configure Claude Desktop')
    .action(async (_own: unknown, command: Command) => {
      const file = path.join(applicationData(), 'Claude', 'claude_desktop_config.json')
      told(file, await changeJson(file, (config) => withServer(config, ownEntry(command), file)))
    })
  configure
    .command('cursor')
    .description('Configure Cursor')
    .option('--project', 'only for the project in this folder')
    .action(async (own: { project?: boolean }, command: Command) => {
      const file = path.resolve(own.project === true ? '.' : homedir(), '.cursor', 'mcp.json')
      told(file, await changeJson(file, (config) => withServer(config, ownEntry(command), file)))
    })
  configure
    .command('claude-code <directory>')
    .description('Configure Claude Code for the project in a folder')
    .addOption(
      option('--claude-config-path <file>', 'its configuration', 'CODER_MCP_CLAUDE_CONFIG_PATH').default(
        '~/.claude.json',
      ),
    )
    .addOption(
      option('--claude-md-path <file>', 'its memory', 'CODER_MCP_CLAUDE_MD_PATH').default(
        '~/.claude/CLAUDE.md',
      ),
    )
    .addOption(
      option(
        '--claude-api-key <key>',
        'key it is to use; other programs of this machine may see it in the list of processes',
        'CLAUDE_API_KEY',
      ),
    )
    .addOption(
      option(
        '--claude-coder-prompt <text>',
        'what it is told of the tools, at the head of its memory',
        'CODER_MCP_CLAUDE_CODER_PROMPT',
      ).default(CODER_PROMPT, 'how to name workspaces'),
    )
    .addOption(
      option(
        '--claude-system-prompt <text>',
        'how it is to work, at the head of its memory',
        'CODER_MCP_CLAUDE_SYSTEM_PROMPT',
      ).default(SYSTEM_PROMPT, 'to work with care'),
    )
    .action(async (directory: string, own: ClaudeCodeFlags, command: Command) => {
      const [config, memory] = [atHome(own.claudeConfigPath), atHome(own.claudeMdPath)]
      const before = await contentOf(memory)
      const after = withBlocks(before, {
        'coder-prompt': own.claudeCoderPrompt,
        'system-prompt': own.claudeSystemPrompt,
      })
      const project = {
        directory: path.resolve(directory),
        entry: ownEntry(command),
        apiKey: own.claudeApiKey,
      }
      told(config, await changeJson(config, (existing) => withProject(existing, project, config)))
      if (after !== before) await replaceFile(memory, after)
      told(memory, after !== before)
    })
}

function ownEntry(command: Command): StdioEntry {
  const [program, script] = ownProgram()
  const flags = lastingFlags(flagsOf<GlobalFlags>(command))
  return { command: program, args: [script, ...flags, 'exp', 'mcp', 'server'] }
}

/** Where programs of this system keep their settings. */
function applicationData(): string {
  const { APPDATA, XDG_CONFIG_HOME } = process.env
  if (process.platform === 'darwin') return path.join(homedir(), 'Library', 'Application Support')
  if (process.platform === 'win32') return APPDATA ?? homedir()
  return XDG_CONFIG_HOME || path.join(homedir(), '.config')
}

function atHome(file: string): string {
  return path.resolve(file.replace(/^~(?=\/)/, homedir()))
}

function told(file: string, changed: boolean): void {
  process.stderr.write(changed ? `Changed ${file}.\n` : `${file} is up to date.\n`)
}
