import { WebSocket } from 'ws'

import type { Client } from '@slipway/client'
import { type ChatStreamEvent, getUser, listOrganizationsOfUser } from '@slipway/contract'
import { silentLogger } from '@slipway/request-log'
import { fixtures, startTestServer, type TestServer, until } from '@slipway/testkit'
import { systemActor } from '../authz/index.ts'
import { type ChatRow, changeChat, type LockedChat } from '../chats/index.ts'
import { parseConfig } from '../config/index.ts'
import type { AppContext } from '../context.ts'
import { openContext } from '../open-context.ts'

const actor = systemActor('chatd', 'a test changes a chat')

/** A server that runs no chats, so that a test decides what happens to them. */
export class StreamWorld implements AsyncDisposable {
  readonly server: TestServer
  readonly owner: Client
  readonly context: AppContext
  readonly ownerId: string
  readonly organizationId: string
  readonly #steps: AsyncDisposableStack

  private constructor(
    server: TestServer,
    owner: Client,
    context: AppContext,
    ids: { readonly owner: string; readonly organization: string },
    steps: AsyncDisposableStack,
  ) {
    this.server = server
    this.owner = owner
    this.context = context
    this.ownerId = ids.owner
    this.organizationId = ids.organization
    this.#steps = steps
  }

  static async start(): Promise<StreamWorld> {
    const steps = new AsyncDisposableStack()
    const env = { CODER_AI_GATEWAY_ENABLED: 'false' }
    const server = steps.use(await startTestServer({ env }))
    const owner = await server.owner()
    const parsed = parseConfig([], {
      CODER_PG_CONNECTION_URL: server.databaseUrl,
      CODER_CONFIG_DIR: server.configDirectory,
    })
    if (parsed.kind !== 'start') throw new Error('bad test configuration')
    const { context } = await openContext(
      { configuration: parsed, log: silentLogger(), clock: undefined, listening: () => server.url },
      steps,
    )
    const { id } = await owner.call(getUser, { params: { user: 'me' } })
    const [organization] = await owner.call(listOrganizationsOfUser, { params: { user: 'me' } })
    if (organization === undefined) throw new Error('the first user has an organization')
    return new StreamWorld(server, owner, context, { owner: id, organization: organization.id }, steps)
  }

  /** A chat of the first user, or of another one. */
  chat(columns: Parameters<typeof fixtures.chat>[1] = {}): Promise<ChatRow> {
    return fixtures.chat(this.context.database.db, {
      owner_id: this.ownerId,
      organization_id: this.organizationId,
      ...columns,
    })
  }

  /** Does something to a chat, as its run would. */
  change<T>(chat: Pick<ChatRow, 'id'>, work: (locked: LockedChat) => Promise<T>): Promise<T> {
    return changeChat(this.context, actor, chat.id, work)
  }

  /** A message of the first user to a chat. */
  says(chat: ChatRow, text: string): Parameters<LockedChat['sendIdle']>[0] {
    return {
      parts: [{ type: 'text', text }],
      modelConfigId: chat.last_model_config_id,
      reasoningEffort: null,
      createdBy: this.ownerId,
    }
  }

  /** Follows a chat. */
  follow(chat: Pick<ChatRow, 'id'>, query = '', client = this.owner, server = this.server): Followed {
    return new Followed(
      `${server.url.replace('http', 'ws')}/api/experimental/chats/${chat.id}/stream${query}`,
      client,
    )
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#steps.disposeAsync()
  }
}

/** What a client of a stream has got. */
export class Followed implements AsyncDisposable {
  readonly socket: WebSocket
  readonly events: ChatStreamEvent[] = []
  /** How many events came in each message. */
  readonly frames: number[] = []

  constructor(url: string, client: Client) {
    this.socket = new WebSocket(url, { headers: client.headers })
    this.socket.on('message', (data) => {
      const frame: ChatStreamEvent[] = JSON.parse(String(data))
      this.frames.push(frame.length)
      this.events.push(...frame)
    })
    this.socket.on('error', () => undefined)
  }

  /** The kinds of all events so far. */
  get types(): string[] {
    return this.events.map((event) => event.type)
  }

  /** The events after so many, once there is one that the test waits for. */
  async until(
    what: string,
    found: (event: ChatStreamEvent) => boolean,
    from = 0,
  ): Promise<ChatStreamEvent[]> {
    await until(what, async () => this.events.slice(from).some(found) || undefined)
    return this.events.slice(from)
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.socket.terminate()
  }
}
