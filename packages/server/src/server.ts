import { randomUUID } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { mkdir } from 'node:fs/promises'
import { homedir, hostname } from 'node:os'
import path from 'node:path'
import { fileURLToPath } from 'node:url'

import { Registry } from 'prom-client'

import type { Logger } from '@slipway/request-log'
import {
  AgentMetadata,
  AgentTunnels,
  agentReportRoutes,
  agentRoutes,
  findAgentByToken,
  RightsWatch,
  relayRoutes,
} from './agents/index.ts'
import { AppServer, appRoutes } from './apps/index.ts'
import { auditLogRoutes } from './audit-log/index.ts'
import { systemActor } from './authz/index.ts'
import type { Config, Configuration } from './config/index.ts'
import type { AppContext, Clock } from './context.ts'
import { type Dashboard, loadDashboard } from './dashboard/index.ts'
import { Database, startEmbedded } from './database/index.ts'
import { deploymentRoutes, ensureDeploymentId } from './deployment/index.ts'
import {
  addressResolver,
  type BoundRoute,
  createEdge,
  currentRequest,
  type EdgeOptions,
  mount,
  OpenStreams,
} from './edge/index.ts'
import { fileRoutes } from './files/index.ts'
import { gitSshKeyRoutes, prepareGitSshKey } from './git-ssh-keys/index.ts'
import {
  activateOnUse,
  ensureDefaultOrganization,
  identityRoutes,
  KeyValidator,
  roleOptions,
  roleRoutes,
} from './identity/index.ts'
import { Listeners } from './listeners/index.ts'
import { organizationRoutes } from './organizations/index.ts'
import {
  type Engine,
  JobReaper,
  type JobRow,
  JobWorker,
  LocalRuntime,
  provisioningRoutes,
  TagReader,
  TemplateSandbox,
  TypeScriptEngine,
} from './provisioning/index.ts'
import { Purge } from './purge/index.ts'
import { ReplicaRegistration } from './replicas/index.ts'
import { ensureSecret, loadDeploymentSecrets } from './secrets/index.ts'
import {
  BuiltInTemplates,
  dryRunHandler,
  dryRunRoutes,
  importHandler,
  templateRoutes,
  templateVersionRoutes,
} from './templates/index.ts'
import { userSecretRoutes } from './user-secrets/index.ts'
import { userSettingsRoutes } from './user-settings/index.ts'
import {
  BuildFeed,
  buildHandler,
  buildRoutes,
  LifecycleExecutor,
  workspaceRoutes,
} from './workspaces/index.ts'

/** A running server. Disposing it stops accepting, finishes requests and releases everything, in at most 10 s. */
export interface RunningServer extends AsyncDisposable {
  /** URL under which this machine reaches it. */
  readonly url: string
  /** URL of each listener that is on. */
  readonly http: string | undefined
  readonly tls: string | undefined
}

/** What a server is started with. */
export interface ServerOptions {
  readonly configuration: Configuration
  readonly log: Logger
  readonly clock?: Clock
  /** Program and arguments of the agent; tests put another one in its place. */
  readonly agentCommand?: readonly string[]
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
export async function startServer(options: ServerOptions): Promise<RunningServer> {
  const { configuration, log } = options
  const { config } = configuration
  await using steps = new AsyncDisposableStack()
  const directory = configDirectory(config)
  // Accounts of workspaces and of the embedded database pass through it to their own folders and see nothing else.
  await mkdir(directory, { recursive: true, mode: 0o711 })
  const embedded = config.postgresUrl === ''
  const url = embedded
    ? steps.use(await startEmbedded({ directory: path.join(directory, 'postgres'), log })).url
    : config.postgresUrl
  const replicaId = randomUUID()
  const database = steps.use(
    await Database.open({
      url,
      maxConnections: config.postgresMaxOpen,
      log,
      replicaId,
      onStatement: () => {
        const request = currentRequest()
        if (request !== undefined) request.statements += 1
      },
    }),
  )
  const system = systemActor('system_restricted', 'the deployment sets itself up before anybody can sign in')
  const organization = await ensureDefaultOrganization(system, database.db)
  let listening = ''
  const sandbox = steps.use(new TemplateSandbox())
  const local = new LocalRuntime({
    directory: path.join(directory, 'workspaces'),
    agentCommand: options.agentCommand ?? [process.execPath, agentProgram()],
  })
  const engines = new Map<JobRow['provisioner'], Engine>([
    ['typescript', new TypeScriptEngine({ sandbox, local })],
  ])
  const workDirectory = path.join(directory, 'work')
  const tagReader = new TagReader({ engines, workDirectory })
  const context: AppContext = {
    config,
    configSources: configuration.sources,
    database,
    log,
    metrics: new Registry(),
    clock: options.clock ?? { now: () => new Date() },
    cookies: {
      secure: config.secureAuthCookie,
      sameSite: config.sameSiteAuthCookie,
      hostPrefix: config.hostPrefixCookie,
    },
    version: version(),
    deploymentId: await ensureDeploymentId(system, database.db, randomUUID()),
    replicaId,
    secrets: await loadDeploymentSecrets({
      shared: (feature, fresh) =>
        ensureSecret(
          systemActor('crypto_key_rotator', 'the deployment makes the keys that it lacks'),
          database.db,
          feature,
          fresh,
        ),
      configuredKeys: config.externalTokenEncryptionKeys,
      keyDirectory: embedded ? directory : undefined,
    }),
    accessUrl: () => (config.accessUrl === '' ? listening : config.accessUrl),
  }
  const streams = new OpenStreams()
  const keys = steps.use(
    new KeyValidator(context, (userId) => void streams.endStale(userId, (keyId) => keys.isLive(keyId))),
  )
  const tunnels = steps.use(new AgentTunnels(context))
  const metadata = steps.use(new AgentMetadata(context))
  const builds = steps.use(new BuildFeed(context))
  const rights = steps.use(new RightsWatch(log))
  const apps = new AppServer({
    context,
    tunnels,
    rights,
    streams,
    validate: (token, request) => keys.validate(token, request),
  })
  let dashboard: Dashboard | undefined
  const edge = edgeOptions(context, keys, streams, apps, async (request, reply) =>
    dashboard === undefined ? reply.code(503).send('starting') : dashboard.serve(request, reply),
  )
  const { server, metrics, attach } = createEdge(edge)
  dashboard = await loadDashboard(context, server)
  const listeners = new Listeners({ server, attach }, config, log)
  let drained: Promise<void> | undefined
  const stopServing = (): Promise<void> => {
    drained ??= drain(listeners, streams, log)
    return drained
  }
  steps.defer(stopServing)
  server.get('/healthz', async (_request, reply) => reply.type('text/plain').send('OK'))
  server.get('/latency-check', async (_request, reply) =>
    reply.header('Timing-Allow-Origin', '*').type('text/plain').send('OK'),
  )
  server.get('/metrics', async (request, reply) =>
    request.context.precheck.ok &&
    request.context.precheck.owner.status === 'active' &&
    request.context.precheck.owner.siteRoles.includes('owner')
      ? reply.type('text/plain; version=0.0.4').send(`${metrics.render()}${await context.metrics.metrics()}`)
      : reply.code(404).type('text/plain').send('Not found'),
  )
  mount(
    server,
    [...allRoutes(context, keys, tunnels, metadata, builds, rights, tagReader), ...appRoutes(context, apps)],
    edge,
  )
  await listeners.start()
  listening = listeners.url
  steps.use(await ReplicaRegistration.start(context, listening))
  await startJobs(context, engines, organization.id, workDirectory, tagReader, steps)
  const owned = steps.move()
  return {
    url: listening,
    http: listeners.http,
    tls: listeners.tls,
    // Background work ends while requests do; what both stand on is released after that.
    [Symbol.asyncDispose]: async () => void (await Promise.all([stopServing(), owned.disposeAsync()])),
  }
}

function edgeOptions(
  context: AppContext,
  keys: KeyValidator,
  streams: OpenStreams,
  apps: AppServer,
  page: EdgeOptions['page'],
): EdgeOptions {
  const { config } = context
  return {
    log: context.log,
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
    findAgent: (token) =>
      findAgentByToken(
        systemActor('system_restricted', 'an agent token is looked up before it is known whose it is'),
        context.database.db,
        token,
        roleOptions(context),
      ),
    streams,
    apps,
    page,
  }
}

function allRoutes(
  context: AppContext,
  keys: KeyValidator,
  tunnels: AgentTunnels,
  metadata: AgentMetadata,
  builds: BuildFeed,
  rights: RightsWatch,
  tagReader: TagReader,
): BoundRoute[] {
  return [
    ...deploymentRoutes(context),
    ...identityRoutes(context, keys, () => prepareGitSshKey(context)),
    ...roleRoutes(context, keys),
    ...auditLogRoutes(context),
    ...organizationRoutes(context, keys),
    ...gitSshKeyRoutes(context),
    ...userSettingsRoutes(context),
    ...userSecretRoutes(context),
    ...fileRoutes(context),
    ...provisioningRoutes(context),
    ...templateRoutes(context),
    ...templateVersionRoutes(context, tagReader),
    ...dryRunRoutes(context),
    ...workspaceRoutes(context, builds),
    ...buildRoutes(context),
    ...relayRoutes(context, tunnels),
    ...agentReportRoutes(context, tunnels, metadata),
    ...agentRoutes(context, tunnels, metadata, {
      rights,
      validate: (token, request) => keys.validate(token, request),
    }),
  ]
}

/** Work that is not done for a request: provisioning, taking back lost jobs, the built-in template. */
async function startJobs(
  context: AppContext,
  engines: ReadonlyMap<JobRow['provisioner'], Engine>,
  organizationId: string,
  workDirectory: string,
  tagReader: TagReader,
  steps: AsyncDisposableStack,
): Promise<void> {
  const { config, database, log, version: release } = context
  const handlers = [importHandler(context), dryRunHandler(context), buildHandler(context)]
  if (config.provisionerDaemons > 0) {
    const worker = steps.use(
      new JobWorker({
        database,
        log,
        organizationId,
        name: `${hostname()}-${context.replicaId.slice(0, 8)}`,
        slots: config.provisionerDaemons,
        version: release,
        engines,
        handlers,
        workDirectory,
        forceCancelMs: config.provisionerForceCancelInterval,
      }),
    )
    await worker.start()
  }
  steps.use(new LifecycleExecutor(context))
  steps.use(new Purge(context))
  steps.use(new JobReaper({ database, log, handlers }))
  const builtIn = steps.use(new BuiltInTemplates(context, tagReader))
  await builtIn.ensure()
}

/** Stops accepting, ends streams, lets requests finish, and cuts what is still open after 10 s. */
async function drain(listeners: Listeners, streams: OpenStreams, log: Logger): Promise<void> {
  const cut = setTimeout(() => {
    log.warn('requests did not finish in time and are cut off')
    listeners.closeAllConnections()
    streams.cut()
  }, SHUTDOWN_MS)
  try {
    // A request that became a stream would never finish by itself.
    await Promise.all([listeners.close(), streams[Symbol.asyncDispose]()])
  } finally {
    clearTimeout(cut)
  }
}

function agentProgram(): string {
  return fileURLToPath(new URL('../../agent/src/main.ts', import.meta.url))
}

/** What clients compare with their own version (OP-112): the level of the reference, then our own release. */
function version(): string {
  const manifest: unknown = JSON.parse(readFileSync(new URL('../package.json', import.meta.url), 'utf8'))
  return typeof manifest === 'object' && manifest !== null && 'version' in manifest
    ? `v2.36.0+slipway.${String(manifest.version)}`
    : 'v2.36.0'
}
