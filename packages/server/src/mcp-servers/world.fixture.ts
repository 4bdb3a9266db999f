import type { Client } from '@slipway/client'
import {
  type CreateMCPServerConfigRequest,
  createMcpServerConfig,
  listOrganizations,
  type MCPServerConfig,
} from '@slipway/contract'
import {
  FakeAuthorizationServer,
  FakeMcpServer,
  startTestServer,
  type TestServer,
  type TestServerOptions,
} from '@slipway/testkit'

/** A server of ours with an MCP server outside and the authorization server that protects it. */
export class World implements AsyncDisposable {
  readonly server: TestServer
  readonly owner: Client
  readonly organization: string
  readonly provider: FakeAuthorizationServer
  readonly outside: FakeMcpServer
  #slugs = 0

  private constructor(
    server: TestServer,
    owner: Client,
    organization: string,
    provider: FakeAuthorizationServer,
    outside: FakeMcpServer,
  ) {
    this.server = server
    this.owner = owner
    this.organization = organization
    this.provider = provider
    this.outside = outside
  }

  static async start(options: TestServerOptions = {}): Promise<World> {
    const server = await startTestServer({
      ...options,
      env: {
        CODER_MCP_SERVER_ALLOWED_PRIVATE_CIDRS: '127.0.0.1/32',
        CODER_DANGEROUS_DISABLE_RATE_LIMITS: 'true',
        ...options.env,
      },
    })
    const owner = await server.owner()
    const [organization] = await owner.call(listOrganizations)
    const provider = await FakeAuthorizationServer.start()
    const outside = await FakeMcpServer.start()
    return new World(server, owner, organization?.id ?? '', provider, outside)
  }

  /** Lets nobody in without a token of the authorization server. */
  protect(more: Readonly<Record<string, unknown>> = {}): void {
    this.outside.protectedBy(this.provider.issuer, more)
    this.outside.wantTokens(this.provider.accessTokens)
  }

  /** What creates a config that is on and asks for nothing, with these fields put over it. */
  body(more: Partial<CreateMCPServerConfigRequest> = {}): CreateMCPServerConfigRequest {
    this.#slugs += 1
    return {
      display_name: 'Outside',
      slug: `s${this.#slugs}`,
      url: this.outside.url,
      transport: 'streamable_http',
      auth_type: 'none',
      availability: 'default_on',
      enabled: true,
      ...more,
    }
  }

  create(more: Partial<CreateMCPServerConfigRequest> = {}): Promise<MCPServerConfig> {
    return this.owner.call(createMcpServerConfig, {
      params: { organization: this.organization },
      body: this.body(more),
    })
  }

  params({ id }: Pick<MCPServerConfig, 'id'>) {
    return { organization: this.organization, mcpserverconfig: id }
  }

  /** A browser of this client, signed in. */
  browser(client: Client): Browser {
    return new Browser(this, client)
  }

  /** Connects a client's user to a server, through the authorization server. */
  async connect(client: Client, config: MCPServerConfig): Promise<void> {
    const browser = this.browser(client)
    const response = await browser.get(await browser.start(config))
    if (response.status !== 200) throw new Error(await response.text())
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.server[Symbol.asyncDispose]()
    await this.provider[Symbol.asyncDispose]()
    await this.outside[Symbol.asyncDispose]()
  }
}

/** Holds the cookies of a connection, and follows no redirect by itself. */
class Browser {
  readonly #world: World
  readonly #client: Client
  readonly cookies = new Map<string, string>()

  constructor(world: World, client: Client) {
    this.#world = world
    this.#client = client
  }

  async get(address: string): Promise<Response> {
    const response = await fetch(new URL(address, this.#world.server.url), {
      redirect: 'manual',
      headers: {
        ...this.#client.headers,
        Cookie: [...this.cookies].map(([name, value]) => `${name}=${value}`).join('; '),
      },
    })
    for (const cookie of response.headers.getSetCookie()) {
      const [, name = '', value = ''] = /^([^=]+)=([^;]*)/.exec(cookie) ?? []
      if (/Max-Age=-1/.test(cookie)) this.cookies.delete(name)
      else this.cookies.set(name, value)
    }
    return response
  }

  /** Begins a connection. */
  begin({ id }: MCPServerConfig): Promise<Response> {
    const { organization } = this.#world
    return this.get(`/api/experimental/organizations/${organization}/mcp-servers/${id}/oauth2/connect`)
  }

  /** Goes to the authorization server and agrees; the address that it is sent back to. */
  async start(config: MCPServerConfig): Promise<string> {
    const response = await this.begin(config)
    const location = response.headers.get('location')
    if (response.status !== 307 || location === null)
      throw new Error(`no redirect: ${response.status} ${await response.text()}`)
    return this.#world.provider.allow(location)
  }
}
