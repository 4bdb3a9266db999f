import path from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'

import { postMcp } from '@slipway/contract'
import type { Logger } from '@slipway/request-log'
import { AgentMetadata, AgentTunnels, countAgents, RightsWatch } from './agents/index.ts'
import {
  applyPriceBook,
  BlockedUsers,
  InjectedTools,
  ModelGateway,
  mountDataPlane,
  type OwnServer,
} from './ai-gateway/index.ts'
import { ModelProviders, seedProviders } from './ai-providers/index.ts'
import { AppServer } from './apps/index.ts'
import { renderDecisionTimes } from './authz/index.ts'
import { startBackgroundJobs } from './background-jobs.ts'
import { contextForPrompt } from './chat-context/index.ts'
import { type ChatExtension, ChatGeneration } from './chat-generation/index.ts'
import { ChatSettings } from './chat-settings/index.ts'
import { ChatStreams } from './chat-streams/index.ts'
import { ChatTools } from './chat-tools/index.ts'
import { countChats } from './chats/index.ts'
import type { Configuration, ParseResult } from './config/index.ts'
import { ConnectionLogger } from './connection-log/index.ts'
import type { AppContext, Clock } from './context.ts'
import { type Dashboard, loadDashboard } from './dashboard/index.ts'
import { DeploymentStats, describeDeployment } from './deployment/index.ts'
import { DerpRelay, meshKeyOf, mountRelay, RelayMap, ReplicaMesh } from './derp/index.ts'
import { Dpop } from './dpop/index.ts'
import { createEdge, mount, OpenStreams } from './edge/index.ts'
import { edgeOptions } from './edge-options.ts'
import { enabledExperiments } from './experiments/index.ts'
import { ExternalAuth } from './external-auth/index.ts'
import { checksOf, HealthReports, Readiness } from './health/index.ts'
import { countUsers, KeyValidator, SignInDelay } from './identity/index.ts'
import { syncFromClaims } from './idp-sync/index.ts'
import { countTemplateUse } from './insights/index.ts'
import { Listeners, MetricsListener } from './listeners/index.ts'
import { Mailer } from './mail/index.ts'
import { InProcessApi, type McpExtension, McpServerEndpoint } from './mcp-server/index.ts'
import { McpServers } from './mcp-servers/index.ts'
import { describeProcess } from './metrics/index.ts'
import { OAuthClients } from './oauth2-clients/index.ts'
import { AccessTokens, type ProviderParts } from './oauth2-provider/index.ts'
import { PasscodeRequests } from './one-time-passcode/index.ts'
import { openContext } from './open-context.ts'
import { labelled } from './profile-labels/index.ts'
import { ProfileListener } from './profiling/index.ts'
import {
  type Engine,
  type JobRow,
  LocalRuntime,
  TagReader,
  TemplateSandbox,
  TypeScriptEngine,
} from './provisioning/index.ts'
import { sharedCounters } from './rate-limits/index.ts'
import { reload } from './reload.ts'
import { ReplicaRegistration } from './replicas/index.ts'
import { type AccountSecurity, allRoutes } from './routes.ts'
import { SecondFactorChecks } from './second-factor/index.ts'
import { forwardedToken, Providers, repairLinks, upstreamRefresh } from './sign-in/index.ts'
import { TailnetService } from './tailnet/index.ts'
import { Tracing } from './tracing/index.ts'
import { UpdateCheck } from './updates/index.ts'
import { UsageRecorder } from './usage/index.ts'
import { WebPush } from './web-push/index.ts'
import { BuildFeed, countWorkspaces } from './workspaces/index.ts'

/** A running server. Disposing it stops accepting, finishes requests and releases everything, in at most 10 s. */
export interface RunningServer extends AsyncDisposable {
  /** URL under which this machine reaches it. */
  readonly url: string
  /** URL of each listener that is on. */
  readonly http: string | undefined
  readonly tls: string | undefined
  /** Takes over passwords and certificates from settings that `read` reads again (OP-15). Never rejects. */
  reload(read: () => ParseResult): Promise<void>
}

/** What a server is started with. */
export interface ServerOptions {
  readonly configuration: Configuration
  readonly log: Logger
  readonly clock?: Clock
  /** Program and arguments of the agent; tests put another one in its place. */
  readonly agentCommand?: readonly string[]
  /** What MCP clients get beside the tools of the product; tests put theirs there. */
  readonly mcpExtension?: McpExtension
  /** Tools and clocks of tests. */
  readonly chatExtension?: ChatExtension
  /** Instead of one of its own, whose engine takes longer to load than a server; whoever made it disposes it. */
  readonly sandbox?: TemplateSandbox
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
  const sandbox = options.sandbox ?? steps.use(new TemplateSandbox())
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
  const dpop = steps.use(new Dpop(context))
  const keys = steps.use(
    new KeyValidator(context, {
      onDrop: (userId) => void streams.endStale(userId),
      refreshUpstream: upstreamRefresh(context, providers, syncFromClaims),
      proofs: dpop,
    }),
  )
  streams.judgeKeys({
    holdsUntil: (keyId) => keys.holdsUntil(keyId),
    now: () => context.clock.now().getTime(),
  })
  const connections = steps.use(new ConnectionLogger(context))
  const usage = steps.use(new UsageRecorder(context))
  const tunnels = steps.use(new AgentTunnels(context, usage))
  const relayMap = await RelayMap.load(context)
  const admits = (key: Uint8Array): Promise<boolean> => tailnet.knowsKey(key)
  const relay = config.derpServerEnable
    ? steps.use(
        new DerpRelay({
          log,
          metrics: context.metrics,
          meshKey: meshKeyOf(context.secrets.relayKey),
          admits: config.derpVerifyClients ? admits : undefined,
        }),
      )
    : undefined
  const tailnet: TailnetService = steps.use(new TailnetService({ context, tunnels, relayMap, relay }))
  const metadata = steps.use(new AgentMetadata(context))
  const builds = steps.use(new BuildFeed(context))
  const rights = steps.use(new RightsWatch(log))
  const apps = new AppServer({
    context,
    tunnels,
    rights,
    streams,
    connections,
    usage,
    validate: (token, request, isUse) => keys.validate(token, request, isUse),
  })
  await seedProviders(context)
  await applyPriceBook(context)
  const modelProviders = steps.use(await ModelProviders.start(context))
  const tracing = await Tracing.start(context)
  if (tracing !== undefined) steps.use(tracing)
  const modelGateway = steps.use(await ModelGateway.start(context, modelProviders, { directory, tracing }))
  steps.use(new BlockedUsers(context, modelGateway))
  const chatSettings = steps.use(new ChatSettings(context, modelProviders))
  const chatStreams = steps.use(new ChatStreams(context))
  const webPush = steps.use(await WebPush.start(context))
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
  // To collect is no work of a user, whoever asks (WS-8).
  const allMetrics = (): Promise<string> =>
    labelled(
      'metrics-collector',
      async () => `${metrics.render()}${renderDecisionTimes()}${await context.metrics.metrics()}`,
    )
  dashboard = await loadDashboard(context, server)
  const listeners = new Listeners({ server, attach }, config, log)
  let drained: Promise<void> | undefined
  const stopServing = (): Promise<void> => {
    modelGateway.stopAdmitting()
    drained ??= drain(listeners, streams, log)
    return drained
  }
  steps.defer(stopServing)
  const external = steps.use(new ExternalAuth(context))
  const mcpServers = steps.use(new McpServers(context, forwardedToken(context, providers, syncFromClaims)))
  const injected = InjectedTools.from({
    context,
    external,
    guarded: mcpServers.guarded,
    own: ownTools(context, () => listening),
  })
  if (injected !== undefined) modelGateway.parts.injection.use(steps.use(injected))
  const clients = steps.use(new OAuthClients(context))
  const accessTokens = steps.use(new AccessTokens(context))
  const provider: ProviderParts = { context, clients, dpop, keys, accessTokens }
  const chatTools = new ChatTools({ context, tunnels, external, mcpServers, settings: chatSettings })
  const chatGeneration = new ChatGeneration(
    {
      context,
      settings: chatSettings,
      gateway: modelGateway,
      buffer: chatStreams.buffer,
      openTools: (turn) => chatTools.open(turn),
      workspaceContext: (chat) => contextForPrompt(context, chat),
      push: (userId, message, signal) => webPush.send(userId, message, signal),
    },
    options.chatExtension,
  )
  const health = steps.use(
    new HealthReports(
      context,
      checksOf(context, () => modelGateway.health(), steps),
    ),
  )
  const inProcess = new InProcessApi(edge)
  const mcpEndpoint = steps.use(
    new McpServerEndpoint({
      context,
      api: inProcess,
      tunnels,
      connections,
      streams,
      requireProof: (caller) => account.checks.requireProofForSsh(caller),
      extension: options.mcpExtension,
    }),
  )
  const readiness = new Readiness(context)
  server.get('/healthz', async (_request, reply) => reply.type('text/plain').send('OK'))
  server.get('/readyz', async (_request, reply) => {
    const detail = await readiness.problem()
    if (detail === undefined) return reply.type('text/plain').send('OK')
    return reply.code(503).send({ message: 'The server is not ready.', detail })
  })
  server.get('/latency-check', async (_request, reply) =>
    reply.header('Timing-Allow-Origin', '*').type('text/plain').send('OK'),
  )
  mountRelay(server, streams, relay)
  mount(
    server,
    inProcess.offer(
      allRoutes(context, {
        keys,
        findAgent: edge.findAgent,
        tunnels,
        tailnet,
        metadata,
        usage,
        deploymentStats: steps.use(new DeploymentStats(context)),
        builds,
        rights,
        tagReader,
        connections,
        external,
        account,
        providers,
        provider,
        shared,
        apps,
        mcpServers,
        mcpEndpoint,
        modelProviders,
        modelGateway,
        chatSettings,
        chatStreams,
        chatGeneration,
        webPush,
        streams,
        health,
        relayMap,
        updates: steps.use(new UpdateCheck(context)),
        metrics: allMetrics,
      }),
    ),
    edge,
  )
  mountDataPlane(server, {
    context,
    gateway: modelGateway,
    validate: (token, request) => keys.validate(token, request),
  })
  const metricsListener = await MetricsListener.start({ config, log, metrics: allMetrics })
  if (metricsListener !== undefined) steps.use(metricsListener)
  await listeners.start()
  listening = listeners.url
  steps.use(await ReplicaRegistration.start(context, listening))
  if (relay !== undefined) steps.use(new ReplicaMesh(context, relay))
  if (config.pprofEnable && config.pprofAddress !== undefined)
    steps.use(await ProfileListener.start(config.pprofAddress, log))
  await startBackgroundJobs(
    {
      context,
      engines,
      organizationId,
      workDirectory,
      tagReader,
      external,
      mcpServers,
      chatSettings,
      modelGateway,
    },
    steps,
  )
  describeDeployment(context)
  describeProcess(context.metrics)
  countChats(context)
  countUsers(context)
  countWorkspaces(context)
  countAgents(context, tunnels)
  countTemplateUse(context)
  if (config.aiGatewayEnabled) steps.use(chatGeneration.start())
  const owned = steps.move()
  return {
    url: listening,
    http: listeners.http,
    tls: listeners.tls,
    reload: (read) => reload(context, listeners, read),
    [Symbol.asyncDispose]: async () => {
      readiness.stop()
      // Load balancers look for that first, and send nothing more (OP-34).
      if (config.shutdownDelay > 0) await delay(config.shutdownDelay)
      // Background work ends while requests do; what both stand on is released after that.
      await Promise.all([stopServing(), owned.disposeAsync()])
    },
  }
}

/** The MCP server of this deployment for those who ask models through it, where that is on (AG-70). */
function ownTools({ config, accessUrl }: AppContext, listening: () => string): OwnServer | undefined {
  const enabled = enabledExperiments(config.experiments)
  if (!config.aiGatewayInjectCoderMcpTools) return undefined
  if (!enabled.includes('mcp-server-http') || !enabled.includes('oauth2')) return undefined
  const at = (base: string): string => `${base.replace(/\/+$/, '')}${postMcp.path}`
  return { address: () => at(listening()), publicUrl: () => at(accessUrl()) }
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
  return fileURLToPath(new URL('../../agent/bin/slipway-agent.js', import.meta.url))
}
