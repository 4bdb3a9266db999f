import * as accessLists from './access-lists.ts'
import * as agentReports from './agent-reports.ts'
import * as agents from './agents.ts'
import * as aiGateway from './ai-gateway.ts'
import * as aiGovernance from './ai-governance.ts'
import * as aiProviders from './ai-providers.ts'
import * as aiSessions from './ai-sessions.ts'
import * as aiSpend from './ai-spend.ts'
import * as apiKeys from './api-keys.ts'
import * as appearance from './appearance.ts'
import * as apps from './apps.ts'
import * as audit from './audit.ts'
import * as authorization from './authorization.ts'
import * as builds from './builds.ts'
import * as chatContext from './chat-context.ts'
import * as chatFiles from './chat-files.ts'
import * as chatSettings from './chat-settings.ts'
import * as chatStreams from './chat-streams.ts'
import * as chats from './chats.ts'
import * as connectionLog from './connection-log.ts'
import * as customRoles from './custom-roles.ts'
import * as debugging from './debugging.ts'
import * as deployment from './deployment.ts'
import * as derp from './derp.ts'
import * as dryRuns from './dry-runs.ts'
import * as dynamicParameters from './dynamic-parameters.ts'
import * as entitlements from './entitlements.ts'
import * as experiments from './experiments.ts'
import * as externalAuth from './external-auth.ts'
import * as files from './files.ts'
import * as gitSshKeys from './git-ssh-keys.ts'
import * as groups from './groups.ts'
import * as health from './health.ts'
import * as idpSync from './idp-sync.ts'
import * as insights from './insights.ts'
import * as mcpServer from './mcp-server.ts'
import * as mcpServers from './mcp-servers.ts'
import * as metrics from './metrics.ts'
import * as notifications from './notifications.ts'
import * as oauth2Clients from './oauth2-clients.ts'
import * as oauth2Device from './oauth2-device.ts'
import * as oauth2Provider from './oauth2-provider.ts'
import * as oneTimePasscode from './one-time-passcode.ts'
import * as organizations from './organizations.ts'
import * as provisioning from './provisioning.ts'
import * as regions from './regions.ts'
import * as replicas from './replicas.ts'
import type { Route } from './route.ts'
import * as scim from './scim.ts'
import * as secondFactor from './second-factor.ts'
import * as sessions from './sessions.ts'
import * as signIn from './sign-in.ts'
import * as tailnet from './tailnet.ts'
import * as tasks from './tasks.ts'
import * as templateVersions from './template-versions.ts'
import * as templates from './templates.ts'
import * as updates from './updates.ts'
import * as userSecrets from './user-secrets.ts'
import * as userSettings from './user-settings.ts'
import * as userSkills from './user-skills.ts'
import * as users from './users.ts'
import * as webPush from './web-push.ts'
import * as workspaces from './workspaces.ts'

export * from './access-lists.ts'
export * from './agent-reports.ts'
export * from './agents.ts'
export * from './ai-gateway.ts'
export * from './ai-governance.ts'
export * from './ai-providers.ts'
export * from './ai-sessions.ts'
export * from './ai-spend.ts'
export * from './api-keys.ts'
export * from './appearance.ts'
export * from './apps.ts'
export * from './audit.ts'
export * from './authorization.ts'
export * from './builds.ts'
export * from './chat-context.ts'
export * from './chat-files.ts'
export * from './chat-parts.ts'
export * from './chat-settings.ts'
export * from './chat-streams.ts'
export * from './chats.ts'
export * from './common.ts'
export * from './composite-scopes.ts'
export * from './connection-log.ts'
export * from './custom-roles.ts'
export * from './debugging.ts'
export * from './deployment.ts'
export * from './deployment-values.ts'
export * from './derp.ts'
export * from './dry-runs.ts'
export * from './dynamic-parameters.ts'
export * from './entitlements.ts'
export * from './experiments.ts'
export * from './external-auth.ts'
export * from './files.ts'
export * from './git-ssh-keys.ts'
export * from './groups.ts'
export * from './health.ts'
export * from './idp-sync.ts'
export * from './insights.ts'
export * from './mcp-server.ts'
export * from './mcp-servers.ts'
export * from './metrics.ts'
export * from './notifications.ts'
export * from './oauth2-clients.ts'
export * from './oauth2-device.ts'
export * from './oauth2-provider.ts'
export * from './oauth2-scope-words.ts'
export * from './one-time-passcode.ts'
export { openApi } from './openapi.ts'
export * from './organizations.ts'
export * from './provisioning.ts'
export * from './regions.ts'
export * from './replicas.ts'
export * from './resources.ts'
export * from './route.ts'
export * from './scim.ts'
export * from './second-factor.ts'
export * from './sessions.ts'
export * from './sign-in.ts'
export * from './skill-format.ts'
export * from './tailnet.ts'
export * from './tasks.ts'
export * from './template-versions.ts'
export * from './templates.ts'
export * from './updates.ts'
export * from './user-secrets.ts'
export * from './user-settings.ts'
export * from './user-skills.ts'
export * from './users.ts'
export * from './web-push.ts'
export * from './workspaces.ts'

/** Every operation of the contract. */
export const routes: readonly Route[] = [
  accessLists,
  agentReports,
  agents,
  aiGateway,
  aiGovernance,
  aiProviders,
  aiSessions,
  aiSpend,
  apiKeys,
  appearance,
  apps,
  audit,
  authorization,
  builds,
  chatContext,
  chatFiles,
  chatSettings,
  chatStreams,
  chats,
  connectionLog,
  customRoles,
  debugging,
  deployment,
  derp,
  dryRuns,
  dynamicParameters,
  entitlements,
  experiments,
  externalAuth,
  files,
  gitSshKeys,
  groups,
  health,
  idpSync,
  insights,
  mcpServer,
  mcpServers,
  metrics,
  notifications,
  oauth2Clients,
  oauth2Device,
  oauth2Provider,
  oneTimePasscode,
  organizations,
  provisioning,
  regions,
  replicas,
  scim,
  secondFactor,
  sessions,
  signIn,
  tailnet,
  tasks,
  templateVersions,
  templates,
  updates,
  userSecrets,
  userSkills,
  userSettings,
  users,
  webPush,
  workspaces,
].flatMap((part) => Object.values(part).filter(isRoute).flatMap(withTwin))

/** An operation, and the same one at its second address where it has one. */
function withTwin(operation: Route): Route[] {
  const twin = chats.publicChatRoute(operation) ?? tasks.experimentalTaskRoute(operation)
  return twin === undefined ? [operation] : [operation, twin]
}

function isRoute(value: unknown): value is Route {
  return typeof value === 'object' && value !== null && 'responses' in value && 'method' in value
}
