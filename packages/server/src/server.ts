import { hostname } from 'node:os'
import path from 'node:path'
import { fileURLToPath } from 'node:url'

import type { Logger } from '@slipway/request-log'
import { accessListRoutes } from './access-lists/index.ts'
import {
  AgentMetadata,
  AgentTunnels,
  agentReportRoutes,
  agentRoutes,
  filterMayStay,
  findAgentByToken,
  RightsWatch,
  relayRoutes,
} from './agents/index.ts'
import { AppServer, appRoutes, wildcardLabel } from './apps/index.ts'
import { AuditChain } from './audit/index.ts'
import { auditLogRoutes } from './audit-log/index.ts'
import { actorForUser, systemActor } from './authz/index.ts'
import type { Configuration } from './config/index.ts'
import { ConnectionLogger, connectionLogRoutes } from './connection-log/index.ts'
import type { AppContext, Clock } from './context.ts'
import { KeyRotation } from './crypto-keys/index.ts'
import { customRoleRoutes } from './custom-roles/index.ts'
import { type Dashboard, loadDashboard } from './dashboard/index.ts'
import { deploymentRoutes } from './deployment/index.ts'
import {
  accessUrlRedirect,
  addressResolver,
  type BoundRoute,
  createEdge,
  type EdgeOptions,
  mount,
  OpenStreams,
} from './edge/index.ts'
import { ExternalAuth, externalAuthRoutes } from './external-auth/index.ts'
import { fileRoutes } from './files/index.ts'
import { gitSshKeyRoutes, prepareGitSshKey } from './git-ssh-keys/index.ts'
import { groupRoutes } from './groups/index.ts'
import {
  activateOnUse,
  Dormancy,
  deleteKeysOfUser,
  explanationRoutes,
  identityRoutes,
  KeyValidator,
  roleOptions,
  roleRoutes,
  SignInDelay,
  sessionRoutes,
} from './identity/index.ts'
import { explainSync, idpSyncRoutes, syncFromClaims, syncGuards } from './idp-sync/index.ts'
import { Listeners, MetricsListener } from './listeners/index.ts'
import { Mailer } from './mail/index.ts'
import { metricsRoutes } from './metrics/index.ts'
import { oneTimePasscodeRoutes, PasscodeRequests } from './one-time-passcode/index.ts'
import { openContext } from './open-context.ts'
import { organizationRoutes } from './organizations/index.ts'
import { ProfileListener, profilingRoutes } from './profiling/index.ts'
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
import { sharedCounters } from './rate-limits/index.ts'
import { ReplicaRegistration } from './replicas/index.ts'
import { SecondFactorChecks, secondFactorRoutes } from './second-factor/index.ts'
import {
  identityProviderRoutes,
  Providers,
  repairLinks,
  type SignInParts,
  signInRoutes,
  upstreamRefresh,
} from './sign-in/index.ts'
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
  quotaRoutes,
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

/**
 * Builds every part once, in order, and starts listening. A failure undoes the earlier steps in reverse.
 *
 * @throws Error with a message for the operator.
 */
export async function startServer(options: ServerOptions): Promise<RunningServer> {
  const { configuration, log } = options
  const { config } = configuration
  await using steps = new AsyncDisposableStack()
  let listening = ''
  const { context, directory, organizationId } = await openContext(
    { configuration, log, clock: options.clock, listening: () => listening },
    steps,
  )
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
  const streams = new OpenStreams()
  const providers = steps.use(new Providers(context))
  providers.discover()
  await repairLinks(context)
  const keys = steps.use(
    new KeyValidator(context, {
      onDrop: (userId) => void streams.endStale(userId),
      refreshUpstream: upstreamRefresh(context, providers, syncFromClaims),
    }),
  )
  streams.judgeKeys((keyId) => keys.isLive(keyId))
  const connections = steps.use(new ConnectionLogger(context))
  const tunnels = steps.use(new AgentTunnels(context))
  const metadata = steps.use(new AgentMetadata(context))
  const builds = steps.use(new BuildFeed(context))
  const rights = steps.use(new RightsWatch(log))
  const apps = new AppServer({
    context,
    tunnels,
    rights,
    streams,
    connections,
    validate: (token, request) => keys.validate(token, request),
  })
  const mailer = steps.use(new Mailer(context))
  const account: AccountSecurity = {
    checks: new SecondFactorChecks(context),
    delay: new SignInDelay(context),
    passcodes: steps.use(new PasscodeRequests(context, mailer)),
  }
  let dashboard: Dashboard | undefined
  const shared = await sharedCounters(context)
  if (shared !== undefined) steps.use(shared)
  const edge = edgeOptions(context, keys, streams, apps, shared, async (request, reply) =>
    dashboard === undefined ? reply.code(503).send('starting') : dashboard.serve(request, reply),
  )
  const { server, metrics, attach } = createEdge(edge)
  const allMetrics = async (): Promise<string> => `${metrics.render()}${await context.metrics.metrics()}`
  dashboard = await loadDashboard(context, server)
  const listeners = new Listeners({ server, attach }, config, log)
  let drained: Promise<void> | undefined
  const stopServing = (): Promise<void> => {
    drained ??= drain(listeners, streams, log)
    return drained
  }
  steps.defer(stopServing)
  const external = steps.use(new ExternalAuth(context))
  server.get('/healthz', async (_request, reply) => reply.type('text/plain').send('OK'))
  server.get('/latency-check', async (_request, reply) =>
    reply.header('Timing-Allow-Origin', '*').type('text/plain').send('OK'),
  )
  mount(
    server,
    [
      ...allRoutes(
        context,
        keys,
        tunnels,
        metadata,
        builds,
        rights,
        tagReader,
        connections,
        external,
        account,
        providers,
      ),
      ...appRoutes(context, apps),
      ...metricsRoutes(allMetrics),
    ],
    edge,
  )
  const metricsListener = await MetricsListener.start({ config, log, metrics: allMetrics })
  if (metricsListener !== undefined) steps.use(metricsListener)
  await listeners.start()
  listening = listeners.url
  steps.use(await ReplicaRegistration.start(context, listening))
  await startJobs(context, engines, organizationId, workDirectory, tagReader, external, steps)
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
  shared: EdgeOptions['sharedCounters'],
  page: EdgeOptions['page'],
): EdgeOptions {
  const { config } = context
  const { accessUrl, wildcardAccessUrl } = config
  return {
    log: context.log,
    version: context.version,
    accessUrl,
    redirect:
      config.redirectToAccessUrl && accessUrl !== ''
        ? accessUrlRedirect({
            accessUrl,
            isAppHost: (host) => wildcardLabel(wildcardAccessUrl, host) !== undefined,
          })
        : undefined,
    addresses: addressResolver({
      trustedOrigins: config.proxyTrustedOrigins,
      trustedHeaders: config.proxyTrustedHeaders,
      onUntrusted: (peer, header) =>
        context.log.warn(
          'a peer that is not trusted sends a header of proxies, which is ignored; if it is your proxy, set --proxy-trusted-origins',
          { peer, header },
        ),
    }),
    cookies: context.cookies,
    queryTokens: config.allowQueryTokens,
    recordDecisions: config.enableAuthzRecordings,
    sharedCounters: shared,
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

/** What protects accounts beside their keys. */
interface AccountSecurity {
  readonly checks: SecondFactorChecks
  readonly delay: SignInDelay
  readonly passcodes: PasscodeRequests
}

function allRoutes(
  context: AppContext,
  keys: KeyValidator,
  tunnels: AgentTunnels,
  metadata: AgentMetadata,
  builds: BuildFeed,
  rights: RightsWatch,
  tagReader: TagReader,
  connections: ConnectionLogger,
  external: ExternalAuth,
  account: AccountSecurity,
  providers: Providers,
): BoundRoute[] {
  const prepareParts = () => prepareGitSshKey(context)
  const signIn = signInParts(context, keys, providers, prepareParts)
  const guards = syncGuards(context)
  return [
    ...deploymentRoutes(context),
    ...profilingRoutes(context),
    ...identityRoutes(context, keys, prepareParts, {
      ...account,
      signsInWith: (type) => providers.signsInWith(type),
    }),
    ...signInRoutes(signIn, account),
    ...identityProviderRoutes(signIn),
    ...sessionRoutes(context, keys, account.delay),
    ...secondFactorRoutes(context, account.checks, account.delay),
    ...oneTimePasscodeRoutes(context, keys, account.passcodes, account.delay),
    ...roleRoutes(context, keys, guards),
    ...explanationRoutes(context),
    ...auditLogRoutes(context),
    ...organizationRoutes(context, keys, guards),
    ...idpSyncRoutes(context),
    ...customRoleRoutes(context, keys),
    ...groupRoutes(context, keys),
    ...accessListRoutes(context),
    ...gitSshKeyRoutes(context),
    ...userSettingsRoutes(context),
    ...userSecretRoutes(context),
    ...externalAuthRoutes(context, external, async (agentId) => {
      const actor = systemActor('provisionerd', 'an agent that waited for a token must still be one')
      return (await filterMayStay(actor, context.database.db, [agentId])).has(agentId)
    }),
    ...fileRoutes(context),
    ...provisioningRoutes(context),
    ...templateRoutes(context),
    ...templateVersionRoutes(context, tagReader, external),
    ...dryRunRoutes(context),
    ...workspaceRoutes(context, builds, external),
    ...buildRoutes(context),
    ...quotaRoutes(context),
    ...relayRoutes(context, tunnels),
    ...agentReportRoutes(context, tunnels, metadata),
    ...connectionLogRoutes(context, connections),
    ...agentRoutes(context, tunnels, metadata, {
      rights,
      connections,
      validate: (token, request) => keys.validate(token, request),
      requireProof: (caller) => account.checks.requireProofForSsh(caller),
    }),
  ]
}

/** What signing in at a provider is made of. */
function signInParts(
  context: AppContext,
  keys: KeyValidator,
  providers: Providers,
  prepareParts: SignInParts['prepareParts'],
): SignInParts {
  return {
    context,
    providers,
    keys,
    prepareParts,
    syncClaims: syncFromClaims,
    explainSync,
    endSession: async (userId, session) => {
      const revoker = actorForUser('api_key_revoker', userId, 'the account signs in otherwise from now on')
      await deleteKeysOfUser(revoker, context.database.db, userId, { session })
    },
  }
}

/** Work that is not done for a request: provisioning, taking back lost jobs, the built-in template. */
async function startJobs(
  context: AppContext,
  engines: ReadonlyMap<JobRow['provisioner'], Engine>,
  organizationId: string,
  workDirectory: string,
  tagReader: TagReader,
  external: ExternalAuth,
  steps: AsyncDisposableStack,
): Promise<void> {
  const { config, database, log, version: release } = context
  const handlers = [importHandler(context), dryRunHandler(context), buildHandler(context, external)]
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
  if (config.pprofEnable && config.pprofAddress !== undefined)
    steps.use(await ProfileListener.start(config.pprofAddress, log))
  steps.use(new LifecycleExecutor(context))
  steps.use(new Purge(context))
  steps.use(new AuditChain(context))
  steps.use(new KeyRotation(context))
  steps.use(new Dormancy(context))
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
