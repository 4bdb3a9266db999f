import { DEVICE_CODE_GRANT, experimentalTaskRoute, publicChatRoute } from '@slipway/contract'
import { accessListRoutes } from './access-lists/index.ts'
import {
  type AgentMetadata,
  type AgentTunnels,
  agentReportRoutes,
  agentRoutes,
  agentVisits,
  filterMayStay,
  type RightsWatch,
  relayRoutes,
} from './agents/index.ts'
import { aiGatewayRoutes, type ModelGateway } from './ai-gateway/index.ts'
import { aiGovernanceRoutes, limitNewKey, requireUnlimited } from './ai-governance/index.ts'
import { aiProviderRoutes, type ModelProviders } from './ai-providers/index.ts'
import { appearanceRoutes } from './appearance/index.ts'
import { type AppServer, appRoutes, lowerShares } from './apps/index.ts'
import { auditLogRoutes } from './audit-log/index.ts'
import { actorForUser, systemActor } from './authz/index.ts'
import { chatContextRoutes, contextDetails, noteGitReport } from './chat-context/index.ts'
import { chatExportRoutes } from './chat-export/index.ts'
import { chatFileRoutes } from './chat-files/index.ts'
import {
  type ChatGeneration,
  capacityDetails,
  chatTitleRoutes,
  titleForTask,
} from './chat-generation/index.ts'
import { type ChatSettings, chatSettingsRoutes } from './chat-settings/index.ts'
import { type ChatStreams, chatStreamRoutes } from './chat-streams/index.ts'
import { type ChatParts, chatRoutes, presentFamily } from './chats/index.ts'
import { type ConnectionLogger, connectionLogRoutes } from './connection-log/index.ts'
import type { AppContext } from './context.ts'
import { customRoleRoutes, siteRoleRoutes } from './custom-roles/index.ts'
import { type DeploymentStats, deploymentRoutes } from './deployment/index.ts'
import { derpRoutes, type RelayMap } from './derp/index.ts'
import type { BoundRoute, EdgeOptions, OpenStreams } from './edge/index.ts'
import { entitlementRoutes } from './entitlements/index.ts'
import { experimentRoutes } from './experiments/index.ts'
import { type ExternalAuth, externalAuthRoutes } from './external-auth/index.ts'
import { fileRoutes } from './files/index.ts'
import { gitSshKeyRoutes, prepareGitSshKey } from './git-ssh-keys/index.ts'
import { groupRoutes } from './groups/index.ts'
import { type HealthReports, healthRoutes } from './health/index.ts'
import {
  deleteKeysOfUser,
  explanationRoutes,
  identityRoutes,
  type KeyValidator,
  roleRoutes,
  type SignInDelay,
  sessionRoutes,
} from './identity/index.ts'
import { explainSync, idpSyncRoutes, syncFromClaims, syncGuards } from './idp-sync/index.ts'
import { insightsRoutes } from './insights/index.ts'
import { type McpServerEndpoint, mcpEndpointRoutes } from './mcp-server/index.ts'
import { type McpServers, mcpServerRoutes } from './mcp-servers/index.ts'
import { metricsRoutes } from './metrics/index.ts'
import { announceAccounts, notificationRoutes } from './notifications/index.ts'
import { oauthClientRoutes } from './oauth2-clients/index.ts'
import { deviceGrant, oauthDeviceRoutes } from './oauth2-device/index.ts'
import { forgetAllTokens, oauthProviderRoutes, type ProviderParts } from './oauth2-provider/index.ts'
import { oneTimePasscodeRoutes, type PasscodeRequests } from './one-time-passcode/index.ts'
import { organizationRoutes } from './organizations/index.ts'
import { profilingRoutes } from './profiling/index.ts'
import { provisioningRoutes, type TagReader } from './provisioning/index.ts'
import { regionRoutes } from './regions/index.ts'
import { replicaRoutes } from './replicas/index.ts'
import { scimRoutes } from './scim/index.ts'
import { type SecondFactorChecks, secondFactorRoutes } from './second-factor/index.ts'
import {
  endSessionUrl,
  identityProviderRoutes,
  type Providers,
  type SignInParts,
  signInRoutes,
} from './sign-in/index.ts'
import { type TailnetService, tailnetRoutes } from './tailnet/index.ts'
import { reportTaskState, taskRoutes } from './tasks/index.ts'
import { dryRunRoutes, templateRoutes, templateVersionRoutes } from './templates/index.ts'
import { type UpdateCheck, updateRoutes } from './updates/index.ts'
import type { UsageRecorder } from './usage/index.ts'
import { userSecretRoutes } from './user-secrets/index.ts'
import { userSettingsRoutes } from './user-settings/index.ts'
import { userSkillRoutes } from './user-skills/index.ts'
import { type WebPush, webPushRoutes } from './web-push/index.ts'
import {
  type BuildFeed,
  buildRoutes,
  followTemplate,
  quotaRoutes,
  workspaceRoutes,
} from './workspaces/index.ts'

/** What protects accounts beside their keys. */
export interface AccountSecurity {
  readonly checks: SecondFactorChecks
  readonly delay: SignInDelay
  readonly passcodes: PasscodeRequests
}

/** The parts of the server that answer requests. */
export interface RouteParts {
  readonly keys: KeyValidator
  readonly findAgent: EdgeOptions['findAgent']
  readonly tunnels: AgentTunnels
  readonly tailnet: TailnetService
  readonly metadata: AgentMetadata
  readonly usage: UsageRecorder
  readonly deploymentStats: DeploymentStats
  readonly builds: BuildFeed
  readonly rights: RightsWatch
  readonly tagReader: TagReader
  readonly connections: ConnectionLogger
  readonly external: ExternalAuth
  readonly account: AccountSecurity
  readonly providers: Providers
  readonly provider: ProviderParts
  readonly shared: EdgeOptions['sharedCounters']
  readonly apps: AppServer
  readonly mcpServers: McpServers
  readonly mcpEndpoint: McpServerEndpoint
  readonly modelProviders: ModelProviders
  readonly modelGateway: ModelGateway
  readonly chatSettings: ChatSettings
  readonly chatStreams: ChatStreams
  readonly chatGeneration: ChatGeneration
  readonly webPush: WebPush
  readonly streams: OpenStreams
  readonly health: HealthReports
  readonly relayMap: RelayMap
  readonly updates: UpdateCheck
  /** Renders the series of this process. */
  readonly metrics: () => Promise<string>
}

/** Everything that the server answers, feature by feature. */
export function allRoutes(context: AppContext, parts: RouteParts): BoundRoute[] {
  const { keys, tunnels, metadata, builds, rights, tagReader, connections, external, account, providers } =
    parts
  const { clients } = parts.provider
  const prepareParts = () => prepareGitSshKey(context)
  const visits = agentVisits(context, {
    rights,
    connections,
    validate: (token, request, isUse) => keys.validate(token, request, isUse),
    requireProof: (caller) => account.checks.requireProofForSsh(caller),
  })
  const signIn = signInParts(context, keys, providers, prepareParts)
  const guards = syncGuards(context)
  const chats: ChatParts = {
    context,
    settings: parts.chatSettings,
    details: [
      (shown) => contextDetails(context, shown, { resources: true }),
      (shown) => capacityDetails(context, shown),
    ],
  }
  return [
    ...deploymentRoutes(context, parts.webPush, parts.deploymentStats),
    ...appearanceRoutes(context, parts.findAgent),
    ...entitlementRoutes(context),
    ...updateRoutes(parts.updates),
    ...regionRoutes(context),
    ...derpRoutes(parts.relayMap),
    ...replicaRoutes(context),
    ...experimentRoutes(context),
    ...profilingRoutes(context),
    ...identityRoutes(context, keys, prepareParts, {
      ...account,
      signsInWith: (type) => providers.signsInWith(type),
      announce: announceAccounts(context),
      limiting: { requireUnlimited, limitNewKey },
      endSessionUrl: (keyId) => endSessionUrl(context, providers, keyId),
    }),
    ...signInRoutes(signIn, account),
    ...identityProviderRoutes(signIn),
    ...scimRoutes({ context, keys, prepareParts }),
    ...sessionRoutes(context, keys, account.delay),
    ...secondFactorRoutes(context, account.checks, account.delay),
    ...oneTimePasscodeRoutes(context, keys, account.passcodes, account.delay),
    ...roleRoutes(context, keys, guards),
    ...explanationRoutes(context),
    ...auditLogRoutes(context),
    ...organizationRoutes(context, keys, guards),
    ...idpSyncRoutes(context),
    ...customRoleRoutes(context, keys),
    ...siteRoleRoutes(context, keys),
    ...groupRoutes(context, keys),
    ...accessListRoutes(context),
    ...gitSshKeyRoutes(context),
    ...userSettingsRoutes(context),
    ...userSecretRoutes(context),
    ...userSkillRoutes(context),
    ...notificationRoutes(context),
    ...webPushRoutes(context, parts.webPush),
    ...oauthClientRoutes(context, clients, () => forgetAllTokens(parts.provider)),
    ...oauthDeviceRoutes({ context, clients, delay: account.delay }),
    ...externalAuthRoutes(
      context,
      external,
      async (agentId) => {
        const actor = systemActor('provisionerd', 'an agent that waited for a token must still be one')
        return (await filterMayStay(actor, context.database.db, [agentId])).has(agentId)
      },
      (agent, report) => noteGitReport(context, agent, report),
    ),
    ...fileRoutes(context),
    ...provisioningRoutes(context),
    ...templateRoutes(context, [followTemplate(context), lowerShares]),
    ...templateVersionRoutes(context, tagReader, external),
    ...dryRunRoutes(context),
    ...workspaceRoutes(context, builds, external),
    ...buildRoutes(context),
    ...quotaRoutes(context),
    ...insightsRoutes(context),
    ...taskRoutes(context, external, tunnels, (of) => titleForTask(parts.chatGeneration.parts, of)),
    ...relayRoutes(context, tunnels),
    ...agentReportRoutes(context, tunnels, metadata, parts.usage, (...report) =>
      reportTaskState(context, ...report),
    ),
    ...connectionLogRoutes(context, connections),
    ...agentRoutes(context, tunnels, metadata, visits),
    ...tailnetRoutes(context, visits, parts.tailnet),
    ...oauthProviderRoutes(parts.provider, {
      shared: parts.shared,
      further: new Map([[DEVICE_CODE_GRANT, deviceGrant(context)]]),
    }),
    ...appRoutes(context, parts.apps),
    ...mcpServerRoutes(context, parts.mcpServers),
    ...mcpEndpointRoutes(context, parts.mcpEndpoint),
    ...aiProviderRoutes(context, parts.modelProviders),
    ...aiGatewayRoutes(context, parts.modelGateway),
    ...aiGovernanceRoutes(context, {
      governance: parts.modelGateway.parts.governance,
      providers: parts.modelProviders,
    }),
    ...chatSettingsRoutes(parts.chatSettings),
    ...chatFileRoutes(context),
    ...chatExportRoutes(context),
    ...chatRoutes(chats),
    ...chatTitleRoutes(parts.chatGeneration.parts, (actor, id) => presentFamily(chats, actor, id)),
    ...chatContextRoutes({
      context,
      tunnels,
      external,
      rights,
      validate: (token, request) => keys.validate(token, request),
      present: (actor, id) => presentFamily(chats, actor, id),
    }),
    ...chatStreamRoutes(parts.chatStreams, parts.streams),
    ...healthRoutes(context, parts.health),
    ...metricsRoutes(parts.metrics),
  ].flatMap(withTwin)
}

/** Chats are under the prefix of the public documentation, too (B-11), and tasks where old clients look (WS-250). */
function withTwin(bound: BoundRoute): BoundRoute[] {
  const route = publicChatRoute(bound.route) ?? experimentalTaskRoute(bound.route)
  return route === undefined ? [bound] : [bound, { ...bound, route }]
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
      await context.database.transaction((tx) => deleteKeysOfUser(revoker, tx, userId, { session }))
    },
  }
}
