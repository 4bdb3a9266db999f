import { describeError } from '@slipway/request-log'
import { systemActor } from '../authz/index.ts'
import type { AppContext } from '../context.ts'
import { ApiError } from '../errors/index.ts'
import { GuardedFetch } from '../outbound/index.ts'
import { destinationOf } from './oauth-client.ts'
import { McpConnection } from './runtime/connection.ts'
import type { Credentials } from './runtime/credentialed-fetch.ts'
import { credentialsFor, type IdentityToken } from './runtime/credentials.ts'
import { McpServerError } from './runtime/errors.ts'
import { type ConnectedServer, McpToolset, type SkippedServer } from './runtime/toolset.ts'
import { type ConfigRow, findConfig, listEnabledConfigs } from './store/configs.ts'
import { type Finding, noteHealth } from './store/health.ts'
import { UserTokenKeeper } from './user-tokens.ts'

/** For whom servers are called; what of it they are told says their config (OA-117). */
export interface CallerOfServers {
  readonly ownerId: string
  readonly chatId?: string | undefined
  readonly subchatId?: string | undefined
  readonly workspaceId?: string | undefined
}

const actor = systemActor('chatd', 'MCP servers are called and looked at for chats')

/** The MCP servers outside: the way to them, the tokens of users for them, and what is known of their health. */
export class McpServers implements AsyncDisposable {
  readonly guarded: GuardedFetch
  readonly tokens: UserTokenKeeper
  readonly #context: AppContext
  readonly #identityToken: IdentityToken

  constructor(context: AppContext, identityToken: IdentityToken) {
    this.#context = context
    this.#identityToken = identityToken
    this.guarded = new GuardedFetch(context.config.mcpServerAllowedPrivateCidrs)
    this.tokens = new UserTokenKeeper(context, this.guarded)
  }

  /**
   * The tools of the servers that are chosen for a chat, for its owner. Those that are off meanwhile are left out (OA-113).
   *
   * @throws what aborted the signal.
   */
  async openForChat(
    configIds: readonly string[],
    caller: CallerOfServers,
    signal?: AbortSignal,
  ): Promise<McpToolset> {
    return this.open(await listEnabledConfigs(actor, this.#context.database.db, configIds), caller, signal)
  }

  /**
   * The tools of these servers for a user; one that cannot be used now never keeps the others away (OA-114).
   *
   * @throws what aborted the signal.
   */
  async open(
    configs: readonly ConfigRow[],
    caller: CallerOfServers,
    signal?: AbortSignal,
  ): Promise<McpToolset> {
    const connected: ConnectedServer[] = []
    const skipped: SkippedServer[] = []
    await Promise.all(
      configs.map(async (config) => {
        try {
          connected.push({ config, connection: await this.#connect(config, caller, signal) })
        } catch (error) {
          if (signal?.aborted === true) throw error
          if (error instanceof McpServerError) {
            skipped.push({ config, error })
            this.#context.log.warn('an MCP server cannot be used', {
              mcp_server: config.id,
              code: error.code,
              error: error.message,
            })
          } else {
            skipped.push({
              config,
              error: new McpServerError(
                'unreachable',
                'the server cannot be used because of a fault here',
                error,
              ),
            })
            this.#context.log.error('an MCP server cannot be used', {
              mcp_server: config.id,
              error: describeError(error),
            })
          }
        }
      }),
    ).catch(async (error: unknown) => {
      await Promise.all(connected.map(({ connection }) => connection[Symbol.asyncDispose]()))
      throw error
    })
    return new McpToolset(connected, skipped, this.#context.log)
  }

  /** Looks at a server without being anybody, and notes what is found. @throws what aborted the signal. */
  async look(config: ConfigRow, signal: AbortSignal): Promise<void> {
    try {
      await using _ = await this.#connect(config, undefined, signal)
    } catch (error) {
      if (!(error instanceof McpServerError)) throw error
    }
  }

  /**
   * Connects to a server for a user, or for nobody, and notes how that went.
   *
   * @throws McpServerError saying why it cannot be used; what aborted the signal.
   */
  async #connect(
    config: ConfigRow,
    caller: CallerOfServers | undefined,
    signal?: AbortSignal,
  ): Promise<McpConnection> {
    const started = performance.now()
    const note = (finding: Omit<Finding, 'latencyMs'>): Promise<void> =>
      this.#note(config, { ...finding, latencyMs: Math.round(performance.now() - started) })
    try {
      const connection = await McpConnection.open(config, {
        guarded: this.guarded,
        credentials: this.#whileUnchanged(config, this.#credentials(config, caller)),
        headers: caller === undefined || !config.forward_coder_headers ? {} : callerHeaders(caller),
        version: this.#context.version,
        signal,
      })
      await note({ status: 'healthy', toolCount: connection.tools.length, error: '' })
      return connection
    } catch (error) {
      if (error instanceof McpServerError) {
        const finding = findingOf(error, config)
        if (finding !== undefined) await note(finding)
      }
      throw error
    }
  }

  /**
   * Credentials for as long as the config leads where it did, and is on if it was: a chat that is under way is cut off
   * too (OA-113).
   */
  #whileUnchanged(config: ConfigRow, credentials: Credentials): Credentials {
    const { db } = this.#context.database
    const isUnchanged = async (): Promise<boolean> => {
      try {
        const now = await findConfig(actor, db, config.id)
        return destinationOf(now) === destinationOf(config) && (now.enabled || !config.enabled)
      } catch (error) {
        if (error instanceof ApiError && error.status === 404) return false
        throw error
      }
    }
    return {
      headers: async () => {
        if (!(await isUnchanged()))
          throw new McpServerError('unknown_tool', 'the server was changed or switched off meanwhile')
        return credentials.headers()
      },
      refused: (challenge) => credentials.refused(challenge),
    }
  }

  #credentials(config: ConfigRow, caller: CallerOfServers | undefined) {
    const { tokens } = this
    try {
      return credentialsFor(
        { context: this.#context, tokens, identityToken: this.#identityToken },
        config,
        caller?.ownerId,
      )
    } catch (error) {
      throw new McpServerError('unauthorized', 'the stored credentials cannot be read', error)
    }
  }

  /** Nobody who uses a server is to suffer because its health cannot be noted. */
  async #note(config: ConfigRow, finding: Finding): Promise<void> {
    try {
      await noteHealth(actor, this.#context.database.db, config, finding)
    } catch (error) {
      this.#context.log.warn('the health of an MCP server could not be noted', {
        mcp_server: config.id,
        error: describeError(error),
      })
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.tokens[Symbol.asyncDispose]()
    this.guarded[Symbol.dispose]()
  }
}

/** What a failure says of the server; nothing where it is about one user. */
function findingOf(error: McpServerError, config: ConfigRow): Omit<Finding, 'latencyMs'> | undefined {
  const ofUser = config.auth_type === 'oauth2' || config.auth_type === 'user_oidc'
  switch (error.code) {
    case 'not_connected':
    case 'insufficient_scope':
    case 'unknown_tool':
      return undefined
    case 'unauthorized':
      if (ofUser) return { status: 'needs_auth', toolCount: 0, error: '' }
      return { status: 'unhealthy', toolCount: 0, error: error.message }
    case 'address_not_allowed':
    case 'unreachable':
    case 'timeout':
    case 'protocol':
    case 'too_large':
      return { status: 'unhealthy', toolCount: 0, error: error.message }
  }
}

function callerHeaders(caller: CallerOfServers): Record<string, string> {
  const headers = {
    'X-Coder-Owner-Id': caller.ownerId,
    'X-Coder-Chat-Id': caller.chatId,
    'X-Coder-Subchat-Id': caller.subchatId,
    'X-Coder-Workspace-Id': caller.workspaceId,
  }
  return Object.fromEntries(
    Object.entries(headers).filter((entry): entry is [string, string] => entry[1] !== undefined),
  )
}
