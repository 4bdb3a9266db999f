import type { Insertable } from 'kysely'

import type { Client } from '@slipway/client'
import {
  createAIProvider,
  createChatModelConfig,
  createWorkspace,
  getUser,
  getWorkspace,
  type Template,
  type Workspace,
} from '@slipway/contract'
import { silentLogger } from '@slipway/request-log'
import { fixtures, importTemplate, startTestServer, type TestServer, until } from '@slipway/testkit'
import { AgentTunnels } from '../agents/index.ts'
import { ModelProviders } from '../ai-providers/index.ts'
import { ChatSettings } from '../chat-settings/index.ts'
import { type ChatRow, FencedOff, type Json } from '../chats/index.ts'
import { parseConfig } from '../config/index.ts'
import type { AppContext } from '../context.ts'
import type { ChatsTable } from '../database/tables.ts'
import { ExternalAuth } from '../external-auth/index.ts'
import { McpServers } from '../mcp-servers/index.ts'
import { openContext } from '../open-context.ts'
import { ChatTools } from './chat-tools.ts'
import type { ToolCall, ToolOutcome } from './tool.ts'

/** Template whose workspaces have the agents of these names. */
export const templateOf = (...agents: readonly string[]): Readonly<Record<string, string>> => ({
  'template.ts': `import { defineTemplate, local } from '@slipway/template'
export default defineTemplate({
  workspace: () => ({ runtime: local(), agents: ${JSON.stringify(agents.map((name) => ({ name })))} }),
})
`,
})

/** What a call may say about itself beside its arguments. */
interface CallOptions {
  readonly signal?: AbortSignal
  readonly resume?: Json
  readonly noted?: Json[]
  readonly shown?: string[]
  /** Whether another run has the chat by now. */
  readonly isLost?: boolean
}

/** Tunnels that tell which agents were dialled. */
class NotedTunnels extends AgentTunnels {
  readonly dialled: string[] = []

  override get(agentId: string): ReturnType<AgentTunnels['get']> {
    this.dialled.push(agentId)
    return super.get(agentId)
  }
}

/** A server with workspaces, and the tools of chats as a second replica has them, without any model. */
export class World implements AsyncDisposable {
  readonly server: TestServer
  readonly owner: Client
  readonly ownerId: string
  readonly organizationId: string
  readonly context: AppContext
  readonly tools: ChatTools
  /** Ids of agents in the order in which they were dialled. */
  readonly dialled: readonly string[]
  readonly #steps: AsyncDisposableStack

  private constructor(
    parts: Omit<
      World,
      typeof Symbol.asyncDispose | 'call' | 'chat' | 'row' | 'workspace' | 'template' | 'names'
    >,
    steps: AsyncDisposableStack,
  ) {
    this.server = parts.server
    this.owner = parts.owner
    this.ownerId = parts.ownerId
    this.organizationId = parts.organizationId
    this.context = parts.context
    this.tools = parts.tools
    this.dialled = parts.dialled
    this.#steps = steps
  }

  static async start(env: Readonly<Record<string, string>> = {}): Promise<World> {
    await using steps = new AsyncDisposableStack()
    // Runs of chats are not what these tests are about: the tools are called by hand.
    const settings = {
      CODER_DANGEROUS_DISABLE_RATE_LIMITS: 'true',
      CODER_AI_GATEWAY_ENABLED: 'false',
      ...env,
    }
    const server = steps.use(await startTestServer({ env: settings }))
    const owner = await server.owner()
    const { id, organization_ids } = await owner.call(getUser, { params: { user: 'me' } })
    const provider = await owner.call(createAIProvider, {
      body: {
        type: 'openai',
        name: 'openai',
        base_url: 'http://127.0.0.1:9/v1',
        api_keys: ['key'],
        enabled: true,
      },
    })
    await owner.call(createChatModelConfig, {
      body: {
        ai_provider_id: provider.id,
        model: 'gpt-4o-mini',
        context_limit: 128_000,
        is_default: true,
        enabled: true,
      },
    })
    const parsed = parseConfig([], {
      CODER_PG_CONNECTION_URL: server.databaseUrl,
      CODER_CONFIG_DIR: server.configDirectory,
      ...settings,
    })
    if (parsed.kind !== 'start') throw new Error('bad test configuration')
    const { context } = await openContext(
      { configuration: parsed, log: silentLogger(), clock: undefined, listening: () => server.url },
      steps,
    )
    const providers = steps.use(await ModelProviders.start(context))
    const tunnels = steps.use(new NotedTunnels(context, { traffic: () => undefined }))
    const tools = new ChatTools({
      context,
      tunnels,
      external: steps.use(new ExternalAuth(context)),
      mcpServers: steps.use(new McpServers(context, async () => undefined)),
      settings: steps.use(new ChatSettings(context, providers)),
    })
    return new World(
      {
        server,
        owner,
        ownerId: id,
        organizationId: organization_ids[0] ?? '',
        context,
        tools,
        dialled: tunnels.dialled,
      },
      steps.move(),
    )
  }

  template(name: string, ...agents: readonly string[]): Promise<Template> {
    return importTemplate(this.owner, name, templateOf(...agents))
  }

  /** A workspace whose agent is ready. */
  async workspace(name: string, template: Template): Promise<Workspace> {
    const { id } = await this.owner.call(createWorkspace, {
      params: { user: 'me' },
      body: { name, template_id: template.id },
    })
    return until(`the workspace ${name}`, async () => {
      const now = await this.owner.call(getWorkspace, { params: { workspace: id } })
      const agents = now.latest_build.resources.flatMap((resource) => resource.agents ?? [])
      return agents.length > 0 &&
        agents.every((agent) => agent.status === 'connected' && agent.lifecycle_state === 'ready')
        ? now
        : undefined
    })
  }

  /** A chat of the owner's, in the owner's organization. */
  chat(columns: Partial<Insertable<ChatsTable>> = {}): Promise<ChatRow> {
    return fixtures.chat(this.context.database.db, {
      owner_id: this.ownerId,
      organization_id: this.organizationId,
      ...columns,
    })
  }

  /** A chat as it is now. */
  row(id: string): Promise<ChatRow> {
    return this.context.database.db
      .selectFrom('chats')
      .selectAll()
      .where('id', '=', id)
      .executeTakeFirstOrThrow()
  }

  /** Names of the tools that the model of a chat is told of. */
  async names(chat: ChatRow): Promise<readonly string[]> {
    await using open = await this.tools.open({ chat, signal: new AbortController().signal })
    return open.tools.filter(({ isRetired }) => isRetired !== true).map(({ name }) => name)
  }

  /** Calls a tool as a run does. */
  async call(
    chat: ChatRow,
    name: string,
    args: Json = {},
    options: CallOptions = {},
  ): Promise<ToolOutcome & { readonly value: never }> {
    const { signal = new AbortController().signal } = options
    await using open = await this.tools.open({ chat, signal })
    const tool = open.tools.find((one) => one.name === name)
    if (tool === undefined) throw new Error(`there is no tool ${name}`)
    const call: ToolCall = {
      toolCallId: 'call-1',
      signal,
      resume: options.resume,
      noteResume: async (state) => void options.noted?.push(state),
      noteDone: async (_tx, state) => {
        if (options.isLost === true) throw new FencedOff('the run has lost its chat')
        options.noted?.push(state)
      },
      progress: (delta) => void options.shown?.push(delta),
    }
    const outcome = await tool.run(args, call)
    return { ...outcome, value: outcome.result as never }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#steps.disposeAsync()
  }
}
