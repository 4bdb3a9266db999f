import * as agentReports from './agent-reports.ts'
import * as agents from './agents.ts'
import * as apiKeys from './api-keys.ts'
import * as apps from './apps.ts'
import * as audit from './audit.ts'
import * as authorization from './authorization.ts'
import * as builds from './builds.ts'
import * as deployment from './deployment.ts'
import * as dryRuns from './dry-runs.ts'
import * as dynamicParameters from './dynamic-parameters.ts'
import * as files from './files.ts'
import * as gitSshKeys from './git-ssh-keys.ts'
import * as organizations from './organizations.ts'
import * as provisioning from './provisioning.ts'
import type { Route } from './route.ts'
import * as templateVersions from './template-versions.ts'
import * as templates from './templates.ts'
import * as userSecrets from './user-secrets.ts'
import * as userSettings from './user-settings.ts'
import * as users from './users.ts'
import * as workspaces from './workspaces.ts'

export * from './agent-reports.ts'
export * from './agents.ts'
export * from './api-keys.ts'
export * from './apps.ts'
export * from './audit.ts'
export * from './authorization.ts'
export * from './builds.ts'
export * from './common.ts'
export * from './deployment.ts'
export * from './dry-runs.ts'
export * from './dynamic-parameters.ts'
export * from './files.ts'
export * from './git-ssh-keys.ts'
export { openApi } from './openapi.ts'
export * from './organizations.ts'
export * from './provisioning.ts'
export * from './resources.ts'
export * from './route.ts'
export * from './template-versions.ts'
export * from './templates.ts'
export * from './user-secrets.ts'
export * from './user-settings.ts'
export * from './users.ts'
export * from './workspaces.ts'

/** Every operation of the contract. */
export const routes: readonly Route[] = [
  agentReports,
  agents,
  apiKeys,
  apps,
  audit,
  authorization,
  builds,
  deployment,
  dryRuns,
  dynamicParameters,
  files,
  gitSshKeys,
  organizations,
  provisioning,
  templateVersions,
  templates,
  userSecrets,
  userSettings,
  users,
  workspaces,
].flatMap((part) => Object.values(part).filter(isRoute))

function isRoute(value: unknown): value is Route {
  return typeof value === 'object' && value !== null && 'responses' in value && 'method' in value
}
