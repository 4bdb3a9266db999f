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

/** What one run of the client works with. */
interface Run {
  readonly serverUrl: string
  /** What the suite says about the scenario. */
  readonly context: Readonly<Record<string, unknown>>
  readonly guarded: GuardedFetch
  /** Takes a line for whoever looks into a failure. */
  readonly tell: (line: string) => void
}

/** Authorizes like a person who agrees, whenever the server asks for it. */
class Agreeing implements Credentials {
  readonly #run: Run
  #token: string | undefined
  #scope = ''
  #authorizations = 0
  readonly #clients = new Map<string, RegisteredClient>()

  constructor(run: Run) {
    this.#run = run
  }

  async headers(): Promise<Record<string, string>> {
    return this.#token === undefined ? {} : { Authorization: `Bearer ${this.#token}` }
  }

  async refused(challenge: Challenge): Promise<boolean> {
    if (this.#authorizations === MAX_AUTHORIZATIONS) return false
    this.#authorizations += 1
    const server = await discover(this.#run.guarded, this.#run.serverUrl, challenge)
    const client = await this.#clientOf(server)
    this.#scope = scopeUnion(this.#scope, server.scope)
    this.#token = await authorize(this.#run.guarded, server, client, this.#scope)
    return true
  }

  /** Clients belong to one authorization server each. */
  async #clientOf(server: DiscoveredServer): Promise<RegisteredClient> {
    const { context, guarded } = this.#run
    const known = this.#clients.get(server.issuer)
    if (known !== undefined) return known
    const client =
      typeof context.client_id === 'string'
        ? preRegistered(server, context.client_id, context.client_secret)
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

function preRegistered(server: DiscoveredServer, clientId: string, given: unknown): RegisteredClient {
  const secret = typeof given === 'string' ? given : undefined
  const post = server.tokenAuthMethods.includes('client_secret_post')
  const basic = server.tokenAuthMethods.includes('client_secret_basic')
  return {
    clientId,
    clientSecret: secret,
    authMethod: secret === undefined ? 'none' : post && !basic ? 'client_secret_post' : 'client_secret_basic',
  }
}

async function authorize(
  guarded: GuardedFetch,
  server: DiscoveredServer,
  client: RegisteredClient,
  scope: string,
): Promise<string> {
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
async function callTools(run: Run, connection: McpConnection): Promise<void> {
  const { toolCalls: given } = run.context
  if (Array.isArray(given))
    for (const { name, arguments: args } of given) await callTool(run, connection, String(name), { ...args })
  else
    for (const tool of connection.tools)
      await callTool(run, connection, tool.name, argumentsOf(tool, connection))
}

/** Servers of the suite leave out what a revision wants, or have no tools to call: that ends one call alone. */
async function callTool(
  run: Run,
  connection: McpConnection,
  name: string,
  args: Record<string, unknown>,
): Promise<void> {
  try {
    await connection.call(name, args)
  } catch (error) {
    if (!(error instanceof McpServerError) || error.code !== 'protocol') throw error
    run.tell(`${name}: ${error.message}`)
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

/** Connects to a server of the suite and calls its tools; what went wrong is told. @returns whether nothing did. */
export async function runClient(
  serverUrl: string,
  context: Run['context'],
  tell: Run['tell'],
): Promise<boolean> {
  using guarded = new GuardedFetch(['127.0.0.0/8', '::1/128'])
  const run: Run = { serverUrl, context, guarded, tell }
  try {
    await using connection = await McpConnection.open(
      { url: serverUrl, transport: 'streamable_http' },
      {
        guarded,
        credentials: new Agreeing(run),
        version: '0.0.0',
        elicit: async () => ({ action: 'accept', content: {} }),
      },
    )
    await callTools(run, connection)
    return true
  } catch (error) {
    tell(describeError(error))
    if (error instanceof OutboundError) tell(describeError(error.cause))
    return false
  }
}
