import { Client } from '@slipway/client'
import {
  type Chat,
  type CreateChatRequest,
  createAIProvider,
  createChat,
  createChatModelConfig,
  getUser,
} from '@slipway/contract'
import { createLogger } from '@slipway/request-log'
import { FakeModelProvider, fixtures, openDatabase, startTestServer, type TestServer } from '@slipway/testkit'
import type { Database } from '../database/index.ts'
import { newToken } from '../identity/index.ts'

/** A deployment with a model that never answers, so that chats stay as tests put them. */
export interface ChatsWorld extends AsyncDisposable {
  readonly server: TestServer
  readonly database: Database
  readonly provider: FakeModelProvider
  readonly organizationId: string
  readonly modelConfigId: string
  readonly providerId: string
  /** Owner of the deployment. */
  readonly admin: Client
  readonly adminId: string
  /** What was logged, newest last. */
  readonly lines: Record<string, unknown>[]
  /** A member with these roles in the organization; those who may chat by default. */
  member(roles?: readonly string[]): Promise<{ readonly client: Client; readonly id: string }>
  /** Makes a chat. */
  chat(client: Client, request?: Partial<CreateChatRequest>): Promise<Chat>
}

/** Starts the deployment. */
export async function openChatsWorld(env: Readonly<Record<string, string>> = {}): Promise<ChatsWorld> {
  await using steps = new AsyncDisposableStack()
  const lines: Record<string, unknown>[] = []
  const sink = { write: (line: string) => void lines.push(JSON.parse(line)) }
  const provider = steps.use(await FakeModelProvider.start())
  provider.answer = () => ({ connection: 'silent' })
  const server = steps.use(
    await startTestServer({
      log: createLogger({ level: 'debug', sink }),
      env: { CODER_DANGEROUS_DISABLE_RATE_LIMITS: 'true', ...env },
    }),
  )
  const database = steps.use(await openDatabase(server.databaseUrl))
  const admin = await server.owner()
  const me = await admin.call(getUser, { params: { user: 'me' } })
  const organizationId = me.organization_ids[0] ?? ''
  const { id: providerId } = await admin.call(createAIProvider, {
    body: {
      type: 'openai',
      name: 'fake',
      base_url: `${provider.url}/v1`,
      api_keys: ['sk-fake-key-1'],
      enabled: true,
    },
  })
  const { id: modelConfigId } = await admin.call(createChatModelConfig, {
    body: { ai_provider_id: providerId, model: 'scripted-model', context_limit: 128_000, is_default: true },
  })
  const owned = steps.move()
  return {
    server,
    database,
    provider,
    organizationId,
    modelConfigId,
    providerId,
    admin,
    adminId: me.id,
    lines,
    async member(roles = ['agents-access']) {
      const user = await fixtures.user(database.db)
      await fixtures.organizationMember(database.db, {
        user,
        organization_id: organizationId,
        roles: [...roles],
      })
      const { id, token, hashedSecret } = newToken()
      await fixtures.apiKey(database.db, { user, id, hashed_secret: hashedSecret, scopes: ['coder:all'] })
      return { client: new Client({ url: server.url, token }), id: user.id }
    },
    chat: (client, request = {}) =>
      client.call(createChat, {
        body: {
          organization_id: organizationId,
          content: [{ type: 'text', text: 'List the failing tests' }],
          ...request,
        },
      }),
    [Symbol.asyncDispose]: () => owned.disposeAsync(),
  }
}
