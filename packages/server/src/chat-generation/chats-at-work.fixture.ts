import type { Client } from '@slipway/client'
import {
  type AIProvider,
  type Chat,
  type ChatMessage,
  type ChatMessagePart,
  type ChatModelConfig,
  type CreateChatModelConfigRequest,
  type CreateChatRequest,
  createAIProvider,
  createChat,
  createChatModelConfig,
  getChat,
  getUser,
  listChatMessages,
  sendChatMessage,
} from '@slipway/contract'
import {
  FakeModelProvider,
  startTestServer,
  type TestServer,
  type TestServerOptions,
  until,
} from '@slipway/testkit'

/** A deployment whose chats work: a scripted model provider, its model as the default, and their owner. */
export class ChatsAtWork implements AsyncDisposable {
  readonly server: TestServer
  readonly provider: FakeModelProvider
  readonly owner: Client
  aiProvider: AIProvider
  model: ChatModelConfig
  readonly organizationId: string
  readonly #type: string
  readonly #config: CreateChatModelConfigRequest
  #renewed = 0

  private constructor(made: {
    readonly server: TestServer
    readonly provider: FakeModelProvider
    readonly owner: Client
    readonly aiProvider: AIProvider
    readonly model: ChatModelConfig
    readonly organizationId: string
    readonly type: string
    readonly config: CreateChatModelConfigRequest
  }) {
    this.#type = made.type
    this.#config = made.config
    this.server = made.server
    this.provider = made.provider
    this.owner = made.owner
    this.aiProvider = made.aiProvider
    this.model = made.model
    this.organizationId = made.organizationId
  }

  /** @param type of the provider; its base URL is that of the fake one, as the type wants it. */
  static async start(
    options: TestServerOptions = {},
    {
      type = 'openai',
      model = {},
    }: { readonly type?: string; readonly model?: CreateChatModelConfigRequest } = {},
  ): Promise<ChatsAtWork> {
    await using steps = new AsyncDisposableStack()
    const provider = steps.use(await FakeModelProvider.start())
    const server = steps.use(
      await startTestServer({
        ...options,
        env: { CODER_DANGEROUS_DISABLE_RATE_LIMITS: 'true', ...options.env },
      }),
    )
    const owner = await server.owner()
    const aiProvider = await addProvider(owner, provider, type, 'fake')
    const config = await addModel(owner, aiProvider, model)
    steps.move()
    const { organization_ids } = await owner.call(getUser, { params: { user: 'me' } })
    return new ChatsAtWork({
      server,
      provider,
      owner,
      aiProvider,
      model: config,
      organizationId: organization_ids[0] ?? '',
      type,
      config: model,
    })
  }

  /** Goes on with another AI provider at the same address, whose keys nobody has refused. */
  async renew(): Promise<void> {
    this.#renewed += 1
    this.aiProvider = await addProvider(this.owner, this.provider, this.#type, `fake-${this.#renewed}`)
    this.model = await addModel(this.owner, this.aiProvider, this.#config)
  }

  /** Starts a chat with this text. */
  create(text: string, more: CreateChatRequest = {}): Promise<Chat> {
    return this.owner.call(createChat, {
      body: {
        organization_id: this.organizationId,
        content: [{ type: 'text', text }],
        model_config_id: this.model.id,
        ...more,
      },
    })
  }

  /** Says something more. */
  async send(chat: string, text: string, busy: 'queue' | 'interrupt' = 'queue') {
    return this.owner.call(sendChatMessage, {
      params: { chat },
      body: { content: [{ type: 'text', text }], busy_behavior: busy },
    })
  }

  get(chat: string): Promise<Chat> {
    return this.owner.call(getChat, { params: { chat } })
  }

  /** All messages, oldest first. */
  async messages(chat: string): Promise<ChatMessage[]> {
    const { messages } = await this.owner.call(listChatMessages, {
      params: { chat },
      query: { limit: '200' },
    })
    return messages.toReversed()
  }

  /** The messages in short: role and what they say. */
  async transcript(chat: string): Promise<string[]> {
    return (await this.messages(chat)).map(
      ({ role, content }) => `${role}: ${content.map(inShort).join(' ')}`,
    )
  }

  /** Waits until a chat has this status. */
  async reaches(chat: string, status: Chat['status'], timeoutMs?: number): Promise<Chat> {
    let seen: Chat | undefined
    try {
      return await until(
        `the chat that is ${status}`,
        async () => {
          seen = await this.get(chat)
          return seen.status === status ? seen : undefined
        },
        timeoutMs,
      )
    } catch (error) {
      throw new Error(`${String(error)}; it is ${JSON.stringify(seen)}`)
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.server[Symbol.asyncDispose]()
    await this.provider[Symbol.asyncDispose]()
  }
}

function addProvider(
  owner: Client,
  provider: FakeModelProvider,
  type: string,
  name: string,
): Promise<AIProvider> {
  return owner.call(createAIProvider, {
    body: {
      type,
      name,
      base_url: type === 'anthropic' ? provider.url : `${provider.url}/v1`,
      api_keys: ['sk-test-key-0123456789'],
      enabled: true,
    },
  })
}

function addModel(
  owner: Client,
  provider: AIProvider,
  config: CreateChatModelConfigRequest,
): Promise<ChatModelConfig> {
  return owner.call(createChatModelConfig, {
    body: {
      ai_provider_id: provider.id,
      model: 'scripted-model',
      context_limit: 128_000,
      ...config,
    },
  })
}

function inShort(part: ChatMessagePart): string {
  switch (part.type) {
    case 'tool-call':
      return `[${part.tool_name}(${JSON.stringify(part.args)})]`
    case 'tool-result':
      return `[${part.tool_name} → ${JSON.stringify(part.result)}${part.is_error === true ? ' !' : ''}]`
    default:
      return part.text ?? `[${part.type}]`
  }
}
