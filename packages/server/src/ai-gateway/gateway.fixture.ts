import { randomUUID } from 'node:crypto'

import type { Client } from '@slipway/client'
import {
  type AIProvider,
  type CreateAIProviderRequest,
  createAIProvider,
  getUser,
  type User,
} from '@slipway/contract'
import { createLogger, type Logger } from '@slipway/request-log'
import { FakeModelProvider, openDatabase, startTestServer, type TestServer } from '@slipway/testkit'
import { ModelProviders } from '../ai-providers/index.ts'
import { parseConfig } from '../config/index.ts'
import type { AppContext } from '../context.ts'
import type { Database } from '../database/index.ts'
import { openContext } from '../open-context.ts'
import { Tracing } from '../tracing/index.ts'
import type { GatewayCall } from './exchange/gateway-call.ts'
import { ModelGateway } from './model-gateway.ts'

/** A moment that tests move. */
export class MovableClock {
  #offset = 0

  now(): Date {
    return new Date(Date.now() + this.#offset)
  }

  advance(milliseconds: number): void {
    this.#offset += milliseconds
  }
}

/** A server, a replica's gateway beside it that tests call in their own process, and a provider of models. */
export class GatewayWorld implements AsyncDisposable {
  readonly server: TestServer
  readonly owner: Client
  readonly gateway: ModelGateway
  readonly providers: ModelProviders
  readonly context: AppContext
  readonly database: Database
  readonly upstream: FakeModelProvider
  readonly clock: MovableClock
  /** Lines of the gateway's log. */
  readonly lines: Record<string, unknown>[]
  readonly #steps: AsyncDisposableStack

  private constructor(
    parts: Pick<
      GatewayWorld,
      'server' | 'owner' | 'gateway' | 'providers' | 'context' | 'database' | 'upstream' | 'clock' | 'lines'
    >,
    steps: AsyncDisposableStack,
  ) {
    this.server = parts.server
    this.owner = parts.owner
    this.gateway = parts.gateway
    this.providers = parts.providers
    this.context = parts.context
    this.database = parts.database
    this.upstream = parts.upstream
    this.clock = parts.clock
    this.lines = parts.lines
    this.#steps = steps
  }

  /** @param serverLog of the server, which is silent by default. */
  static async start(env: Readonly<Record<string, string>> = {}, serverLog?: Logger): Promise<GatewayWorld> {
    await using steps = new AsyncDisposableStack()
    const upstream = steps.use(await FakeModelProvider.start())
    const server = steps.use(
      await startTestServer({ env, ...(serverLog === undefined ? {} : { log: serverLog }) }),
    )
    const configuration = parseConfig([], {
      CODER_PG_CONNECTION_URL: server.databaseUrl,
      CODER_CONFIG_DIR: server.configDirectory,
      CODER_AI_GATEWAY_STRICT: 'true',
      ...env,
    })
    if (configuration.kind !== 'start') throw new Error('bad test configuration')
    const lines: Record<string, unknown>[] = []
    const log = createLogger({ level: 'debug', sink: { write: (line) => void lines.push(JSON.parse(line)) } })
    const clock = new MovableClock()
    const { context, directory } = await openContext(
      { configuration, log, clock, listening: () => server.url },
      steps,
    )
    const providers = steps.use(await ModelProviders.start(context))
    const tracing = await Tracing.start(context)
    if (tracing !== undefined) steps.use(tracing)
    const gateway = steps.use(await ModelGateway.start(context, providers, { directory, tracing }))
    const database = steps.use(await openDatabase(server.databaseUrl))
    const owner = await server.owner()
    return new GatewayWorld(
      { server, owner, gateway, providers, context, database, upstream, clock, lines },
      steps.move(),
    )
  }

  /** A provider that is on, at the upstream under `/v1` unless it is said. */
  async provider(given: CreateAIProviderRequest = {}): Promise<AIProvider> {
    const made = await this.owner.call(createAIProvider, {
      body: {
        type: 'openai',
        name: `p-${randomUUID().slice(0, 8)}`,
        enabled: true,
        base_url: `${this.upstream.url}/v1`,
        api_keys: ['sk-of-the-deployment-1'],
        ...given,
      },
    })
    await this.providers.refresh()
    return made
  }

  /** An account, as the API shows it. */
  async account(client: Client): Promise<User> {
    return client.call(getUser, { params: { user: 'me' } })
  }

  /** Asks through the gateway, as a chat would. */
  ask(
    call: Pick<GatewayCall, 'ownerId' | 'provider'> & Partial<GatewayCall>,
    path: string,
    body: unknown,
    init: RequestInit = {},
  ): Promise<Response> {
    return this.gateway.fetchFor(call)(this.upstream.url + path, {
      method: 'POST',
      body: JSON.stringify(body),
      ...init,
      headers: { 'content-type': 'application/json', ...Object.fromEntries(new Headers(init.headers)) },
    })
  }

  /** The records of one user, the oldest first. */
  async records(ownerId: string) {
    const { db } = this.database
    const interceptions = await db
      .selectFrom('aibridge_interceptions')
      .selectAll()
      .where('initiator_id', '=', ownerId)
      .orderBy('started_at')
      .execute()
    const ids = interceptions.map(({ id }) => id)
    const of = <Row extends { readonly interception_id: string }>(rows: readonly Row[]): Row[] =>
      rows.filter((row) => ids.includes(row.interception_id))
    return {
      interceptions,
      tokens: of(await db.selectFrom('aibridge_token_usages').selectAll().orderBy('created_at').execute()),
      prompts: of(await db.selectFrom('aibridge_user_prompts').selectAll().orderBy('created_at').execute()),
      tools: of(await db.selectFrom('aibridge_tool_usages').selectAll().orderBy('created_at').execute()),
      thoughts: of(
        await db.selectFrom('aibridge_model_thoughts').selectAll().orderBy('created_at').execute(),
      ),
    }
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.#steps.disposeAsync()
  }
}
