import { randomUUID } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { homedir } from 'node:os'
import path from 'node:path'

import type { Logger } from '@slipway/request-log'
import { systemActor } from './authz/index.ts'
import type { Config } from './config/index.ts'
import type { AppContext, Clock } from './context.ts'
import { Database, startEmbedded } from './database/index.ts'
import { deploymentRoutes, ensureDeploymentId } from './deployment/index.ts'
import { addressResolver, createEdge, currentRequest, type EdgeOptions, mount } from './edge/index.ts'
import { activateOnUse, identityRoutes, KeyValidator } from './identity/index.ts'

/** A running server. Disposing it stops accepting, finishes requests and releases everything, in at most 10 s. */
export interface RunningServer extends AsyncDisposable {
  /** URL that it listens on. */
  readonly url: string
}

const SHUTDOWN_MS = 10_000

/** Folder of local state: the option, else a folder that the account may use (OP-40). */
export function configDirectory(config: Config): string {
  if (config.configDir !== '') return path.resolve(config.configDir)
  // The embedded database of root runs under another account, which cannot pass through root's home.
  if (process.getuid?.() === 0) return '/var/lib/slipway'
  return path.join(process.env.XDG_CONFIG_HOME ?? path.join(homedir(), '.config'), 'slipway')
}

/**
 * Builds every part once, in order, and starts listening. A failure undoes the earlier steps in reverse.
 *
 * @throws Error with a message for the operator.
 */
export async function startServer(options: {
  readonly config: Config
  readonly log: Logger
  readonly clock?: Clock
}): Promise<RunningServer> {
  const { config, log } = options
  await using steps = new AsyncDisposableStack()
  const url =
    config.postgresUrl !== ''
      ? config.postgresUrl
      : steps.use(await startEmbedded({ directory: path.join(configDirectory(config), 'postgres'), log })).url
  const database = steps.use(
    await Database.open({
      url,
      maxConnections: config.postgresMaxOpen,
      log,
      replicaId: randomUUID(),
      onStatement: () => {
        const request = currentRequest()
        if (request !== undefined) request.statements += 1
      },
    }),
  )
  const context: AppContext = {
    config,
    database,
    log,
    clock: options.clock ?? { now: () => new Date() },
    cookies: {
      secure: config.secureAuthCookie || config.accessUrl.startsWith('https://'),
      sameSite: config.sameSiteAuthCookie === 'none' ? 'none' : 'lax',
      hostPrefix: false,
    },
    version: version(),
    deploymentId: await ensureDeploymentId(systemActor('system_restricted'), database.db, randomUUID()),
  }
  const keys = steps.use(new KeyValidator(context))
  const edge: EdgeOptions = {
    log,
    version: context.version,
    accessUrl: config.accessUrl,
    addresses: addressResolver({
      trustedOrigins: config.proxyTrustedOrigins,
      trustedHeaders: config.proxyTrustedHeaders,
    }),
    cookies: context.cookies,
    apiRateLimit: config.apiRateLimit,
    limitsDisabled: config.disableRateLimits,
    allowAllOrigins: config.allowCors,
    validate: (token, request) => keys.validate(token, request),
    activate: (accepted) => activateOnUse(context, keys, accepted),
  }
  const { server, metrics } = createEdge(edge)
  steps.defer(() => closeWithin(server, log))
  server.get('/healthz', async (_request, reply) => reply.type('text/plain').send('OK'))
  server.get('/latency-check', async (_request, reply) =>
    reply.header('Timing-Allow-Origin', '*').type('text/plain').send('OK'),
  )
  server.get('/metrics', async (request, reply) =>
    request.context.precheck.ok && request.context.precheck.owner.siteRoles.includes('owner')
      ? reply.type('text/plain; version=0.0.4').send(metrics.render())
      : reply.code(404).type('text/plain').send('Not found'),
  )
  mount(server, [...deploymentRoutes(context), ...identityRoutes(context, keys)], edge)
  const address = config.httpAddress ?? { host: '127.0.0.1', port: 3000 }
  const listening = await server.listen({ host: address.host, port: address.port })
  const owned = steps.move()
  return { url: listening, [Symbol.asyncDispose]: () => owned.disposeAsync() }
}

/** Stops accepting, lets requests finish, and cuts what is still open after 10 s. */
async function closeWithin(
  server: { close(): Promise<unknown>; readonly server: { closeAllConnections(): void } },
  log: Logger,
): Promise<void> {
  const cut = setTimeout(() => {
    log.warn('requests did not finish in time and are cut off')
    server.server.closeAllConnections()
  }, SHUTDOWN_MS)
  try {
    await server.close()
  } finally {
    clearTimeout(cut)
  }
}

function version(): string {
  const manifest: unknown = JSON.parse(readFileSync(new URL('../package.json', import.meta.url), 'utf8'))
  return typeof manifest === 'object' && manifest !== null && 'version' in manifest
    ? `v${String(manifest.version)}`
    : 'v0.0.0'
}
