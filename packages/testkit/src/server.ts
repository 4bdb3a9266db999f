import { chmod, mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'

import { Client } from '@slipway/client'
import {
  createFirstUser,
  createToken,
  createUser,
  getTemplateVersion,
  listTemplates,
  login,
  type Template,
} from '@slipway/contract'
import { type Logger, silentLogger } from '@slipway/request-log'
import { parseConfig } from '@slipway/server/config/index.ts'
import { TemplateSandbox } from '@slipway/server/provisioning/index.ts'
import { type RunningServer, type ServerOptions, startServer } from '@slipway/server/server.ts'
import { checkResponsesOf } from './check-responses.ts'
import { endWorkspaces } from './end-workspaces.ts'
import { createTestDatabase } from './postgres.ts'
import { until } from './until.ts'

/** Password of every account that the testkit makes. */
export const PASSWORD = 'SomePassword-2026!'

/** For all servers of this process, and until it ends: every one has a template evaluated for its first owner. */
const sandbox = new TemplateSandbox()

/** A real server on a database of its own. */
export interface TestServer extends AsyncDisposable {
  readonly url: string
  readonly databaseUrl: string
  readonly configDirectory: string
  /** A client without a session. */
  readonly anonymous: Client
  /** Makes the first account, which owns the deployment, and signs it in. */
  owner(): Promise<Client>
  /** Makes an account with these site roles and signs it in. */
  user(name: string, roles?: readonly string[]): Promise<Client>
  /** The built-in template, once its import is done. */
  builtInTemplate(): Promise<Template>
  /** Stops the server and keeps its database and workspaces, as a crash or an upgrade would. */
  stop(): Promise<void>
  /** Starts it again on the same database, on another port. */
  start(): Promise<void>
}

/** What a test may change about its server. */
export interface TestServerOptions {
  readonly env?: Readonly<Record<string, string>>
  readonly log?: Logger
  readonly clock?: { now(): Date }
  /** What MCP clients get beside the tools of the product. */
  readonly mcpExtension?: ServerOptions['mcpExtension']
  /** Tools and clocks of chats; titles and labels are only made where `timings.asides` says so. */
  readonly chatExtension?: ServerOptions['chatExtension']
  /** Database of another test server, for a second replica. */
  readonly databaseUrl?: string
}

/** Starts a server on a migrated database of its own; takes well under a second. */
export async function startTestServer(options: TestServerOptions = {}): Promise<TestServer> {
  await using steps = new AsyncDisposableStack()
  const databaseUrl = options.databaseUrl ?? steps.use(await createTestDatabase()).url
  const folder = await mkdtemp(path.join(tmpdir(), 'slipway-server-'))
  await chmod(folder, 0o711)
  steps.defer(() => rm(folder, { recursive: true, force: true }))
  steps.defer(() => endWorkspaces(folder))
  const parsed = parseConfig([], {
    CODER_PG_CONNECTION_URL: databaseUrl,
    CODER_CONFIG_DIR: folder,
    CODER_HTTP_ADDRESS: '127.0.0.1:0',
    // What a request has left is there when it is over; tests of what comes later turn it off.
    CODER_AI_GATEWAY_STRICT: 'true',
    ...options.env,
  })
  if (parsed.kind !== 'start') throw new Error(`bad test configuration: ${JSON.stringify(parsed)}`)
  const run = (): Promise<RunningServer> =>
    startServer({
      configuration: parsed,
      log: options.log ?? silentLogger(),
      sandbox,
      ...(options.clock === undefined ? {} : { clock: options.clock }),
      ...(options.mcpExtension === undefined ? {} : { mcpExtension: options.mcpExtension }),
      chatExtension: {
        ...options.chatExtension,
        // A script of a fake model would have to answer them, too.
        timings: { asides: false, ...options.chatExtension?.timings },
      },
    })
  let running: RunningServer | undefined = await run()
  let url = running.url
  let checks = checkResponsesOf(url)
  let ownerClient: Client | undefined
  const stop = async (): Promise<void> => {
    await running?.[Symbol.asyncDispose]()
    running = undefined
    checks[Symbol.dispose]()
  }
  steps.defer(stop)
  const owned = steps.move()

  const signIn = async (email: string): Promise<Client> => {
    const anonymous = new Client({ url })
    const { session_token: token } = await anonymous.call(login, { body: { email, password: PASSWORD } })
    return new Client({ url, token })
  }
  const owner = async (): Promise<Client> => {
    if (ownerClient === undefined) {
      const body = { email: 'owner@example.com', username: 'owner', password: PASSWORD }
      await new Client({ url }).call(createFirstUser, { body })
      const session = await signIn(body.email)
      // A token outlives sign-outs that tests make.
      const { key } = await session.call(createToken, { params: { user: 'me' }, body: {} })
      ownerClient = new Client({ url, token: key })
    }
    return new Client({ url, token: ownerClient.headers['Coder-Session-Token'] })
  }
  return {
    get url() {
      return url
    },
    databaseUrl,
    configDirectory: folder,
    get anonymous() {
      return new Client({ url })
    },
    owner,
    async user(name, roles = []) {
      await (await owner()).call(createUser, {
        body: {
          email: `${name}@example.com`,
          username: name,
          password: PASSWORD,
          login_type: 'password',
          organization_ids: ['00000000-0000-0000-0000-000000000000'],
          roles: [...roles],
        },
      })
      return signIn(`${name}@example.com`)
    },
    async builtInTemplate() {
      const client = await owner()
      const template = await until('the built-in template', async () => (await client.call(listTemplates))[0])
      await until('its import', async () => {
        const version = await client.call(getTemplateVersion, {
          params: { templateversion: template.active_version_id },
        })
        return version.job.completed_at
      })
      return template
    },
    stop,
    async start() {
      running = await run()
      url = running.url
      checks = checkResponsesOf(url)
    },
    [Symbol.asyncDispose]: () => owned.disposeAsync(),
  }
}
