// The client that the conformance suite runs against its own servers: our runtime and our OAuth client, with an
// authorization server that agrees to everything in the place of a person.
import { describeError } from '@slipway/request-log'
import { GuardedFetch, OutboundError } from '../../outbound/index.ts'
import {
  authorizationRequest,
  isFromIssuer,
  newVerifier,
  type OAuthClient,
  redeem,
} from '../oauth/authorize.ts'
import { type Challenge, scopeUnion } from '../oauth/challenge.ts'
import { type DiscoveredServer, discover } from '../oauth/discover.ts'
import { obtainClient, type RegisteredClient } from '../oauth/register.ts'
import { McpConnection } from '../runtime/connection.ts'
import type { Credentials } from '../runtime/credentialed-fetch.ts'
import { McpServerError } from '../runtime/errors.ts'

const REDIRECT_URI = 'http://127.0.0.1:3000/callback'
/** A document that the suite knows; it looks at the address alone. */
const METADATA_URL = 'https://conformance-test.local/client-metadata.json'
const MAX_AUTHORIZATIONS = 3

const [serverUrl = ''] = process.argv.slice(2)
const context: Record<string, unknown> = JSON.parse(process.env.MCP_CONFORMANCE_CONTEXT ?? '{}')
const guarded = new GuardedFetch(['127.0.0.0/8', '::1/128'])

/** Authorizes like a person who agrees, whenever the server asks for it. */
class Agreeing implements Credentials {
  #token: string | undefined
  #scope = ''
  #authorizations = 0
  readonly #clients = new Map<string, RegisteredClient>()

  async headers(): Promise<Record<string, string>> {
    return this.#token === undefined ? {} : { Authorization: `Bearer ${this.#token}` }
  }

  async refused(challenge: Challenge): Promise<boolean> {
    if (this.#authorizations === MAX_AUTHORIZATIONS) return false
    this.#authorizations += 1
    const server = await discover(guarded, serverUrl, challenge)
    const client = await this.#clientOf(server)
    this.#scope = scopeUnion(this.#scope, server.scope)
    this.#token = await authorize(server, client, this.#scope)
    return true
  }

  /** Clients belong to one authorization server each. */
  async #clientOf(server: DiscoveredServer): Promise<RegisteredClient> {
    const known = this.#clients.get(server.issuer)
    if (known !== undefined) return known
    const client =
      typeof context.client_id === 'string'
        ? preRegistered(server, context.client_id)
        : await obtainClient(guarded, server, {
            client_id: METADATA_URL,
            client_name: 'Slipway',
            client_uri: 'https://conformance-test.local',
            application_type: 'native',
            redirect_uris: [REDIRECT_URI],
            grant_types: ['authorization_code', 'refresh_token'],
            response_types: ['code'],
            token_endpoint_auth_method: 'none',
          })
    this.#clients.set(server.issuer, client)
    return client
  }
}

function preRegistered(server: DiscoveredServer, clientId: string): RegisteredClient {
  const secret = typeof context.client_secret === 'string' ? context.client_secret : undefined
  const post = server.tokenAuthMethods.includes('client_secret_post')
  const basic = server.tokenAuthMethods.includes('client_secret_basic')
  return {
    clientId,
    clientSecret: secret,
    authMethod: secret === undefined ? 'none' : post && !basic ? 'client_secret_post' : 'client_secret_basic',
  }
}

async function authorize(server: DiscoveredServer, client: RegisteredClient, scope: string): Promise<string> {
  const oauth: OAuthClient = {
    client,
    authorizationUrl: server.authorizationUrl,
    tokenUrl: server.tokenUrl,
    redirectUri: REDIRECT_URI,
    resource: server.resource,
  }
  const verifier = newVerifier()
  const state = newVerifier()
  const target = authorizationRequest(oauth, { state, verifier, scope })
  const response = await fetch(target, { redirect: 'manual' })
  const back = new URL(response.headers.get('location') ?? '', target)
  const expected = { issuer: server.issuer, required: server.issRequired }
  if (back.searchParams.get('state') !== state) throw new Error('another state came back')
  if (!isFromIssuer(expected, back.searchParams.get('iss') ?? undefined))
    throw new Error('the answer is of another issuer')
  const code = back.searchParams.get('code')
  if (code === null) throw new Error('no code came back')
  return (await redeem(guarded, oauth, { code, verifier }, new Date())).accessToken
}

/** Calls every tool, as the suite says or with something that fits its schema. */
async function callTools(connection: McpConnection): Promise<void> {
  const given = Array.isArray(context.toolCalls) ? context.toolCalls : undefined
  if (given !== undefined)
    for (const { name, arguments: args } of given) await callTool(connection, String(name), { ...args })
  else
    for (const tool of connection.tools) await callTool(connection, tool.name, argumentsOf(tool, connection))
}

/** Servers of the suite leave out what a revision wants, or have no tools to call: that ends one call alone. */
async function callTool(
  connection: McpConnection,
  name: string,
  args: Record<string, unknown>,
): Promise<void> {
  try {
    await connection.call(name, args)
  } catch (error) {
    if (!(error instanceof McpServerError) || error.code !== 'protocol') throw error
    process.stderr.write(`${name}: ${error.message}\n`)
  }
}

function argumentsOf(
  tool: McpConnection['tools'][number],
  { tools }: McpConnection,
): Record<string, unknown> {
  const args = argumentsFor(tool.inputSchema.properties ?? {})
  // The suite looks at what has become of a schema on its way to a model.
  const other = tools.find(({ name }) => name === 'json_schema_2020_12_tool')
  return tool.name === 'json_schema_echo' && other !== undefined
    ? { ...args, schema: other.inputSchema }
    : args
}

function argumentsFor(properties: Readonly<Record<string, unknown>>): Record<string, unknown> {
  return Object.fromEntries(
    Object.entries(properties).map(([name, schema]) => [name, exampleOf(Object(schema).type)]),
  )
}

function exampleOf(type: unknown): unknown {
  switch (type) {
    case 'number':
    case 'integer':
      return 2
    case 'boolean':
      return true
    case 'array':
      return []
    case 'object':
      return {}
    default:
      return 'text'
  }
}

try {
  await using connection = await McpConnection.open(
    { url: serverUrl, transport: 'streamable_http' },
    {
      guarded,
      credentials: new Agreeing(),
      version: '0.0.0',
      elicit: async () => ({ action: 'accept', content: {} }),
    },
  )
  await callTools(connection)
} catch (error) {
  process.stderr.write(
    `${describeError(error)}\n${error instanceof OutboundError ? describeError(error.cause) : ''}\n`,
  )
  process.exitCode = 1
} finally {
  guarded[Symbol.dispose]()
}
