/** Every address of the dashboard, made in one place (UI-4, UI-401). */
export const paths = {
  workspaces: (query: { readonly filter?: string } = {}) => withQuery('/workspaces', query),
  workspace: (owner: string, workspace: string) => `/@${part(owner)}/${part(workspace)}`,
  workspaceBuild: (owner: string, workspace: string, build: number) =>
    `/@${part(owner)}/${part(workspace)}/builds/${build}`,
  /** `field` has the focus there. */
  workspaceSettings: (owner: string, workspace: string, field?: 'name') =>
    `/@${part(owner)}/${part(workspace)}/settings${field === undefined ? '' : `#${field}`}`,
  workspaceParameters: (
    owner: string,
    workspace: string,
    query: { readonly templateVersionId?: string } = {},
  ) => withQuery(`/@${part(owner)}/${part(workspace)}/parameters`, query),
  workspaceSchedule: (owner: string, workspace: string) => `/@${part(owner)}/${part(workspace)}/schedule`,
  terminal: (
    owner: string,
    workspace: string,
    agent?: string,
    query: { readonly app?: string; readonly reconnect?: string } = {},
  ) =>
    withQuery(
      `/@${part(owner)}/${part(workspace)}${agent === undefined ? '' : `.${part(agent)}`}/terminal`,
      query,
    ),
  /** A path-based app; served by the server and not by this dashboard (UI-404). */
  pathApp: (owner: string, workspace: string, agent: string, slug: string) =>
    `/@${part(owner)}/${part(workspace)}.${part(agent)}/apps/${part(slug)}/`,
  templates: (query: { readonly filter?: string } = {}) => withQuery('/templates', query),
  newTemplate: (query: { readonly exampleId?: string } = {}) => withQuery('/templates/new', query),
  /** Short form with one organization, long form with several (UI-402). */
  template: (
    template: TemplateRef,
    several: boolean,
    tab?: TemplateTab,
    query: Readonly<Record<string, string | undefined>> = {},
  ) =>
    withQuery(
      `/templates/${several ? `${part(template.organization_name)}/` : ''}${part(template.name)}${tab === undefined ? '' : `/${tab}`}`,
      query,
    ),
  templateVersion: (template: TemplateRef, version: string) =>
    `/templates/${part(template.organization_name)}/${part(template.name)}/versions/${part(version)}`,
  workspaceSharing: (owner: string, workspace: string) => `/@${part(owner)}/${part(workspace)}/sharing`,
  organizations: () => '/organizations',
  newOrganization: () => '/organizations/new',
  organization: (organization: string, query: { readonly filter?: string } = {}) =>
    withQuery(`/organizations/${part(organization)}`, query),
  organizationPage: (organization: string, page: OrganizationPage) =>
    `/organizations/${part(organization)}${page === 'members' ? '' : `/${page}`}`,
  provisioners: (organization: string, query: { readonly ids?: string } = {}) =>
    withQuery(`/organizations/${part(organization)}/provisioners`, query),
  provisionerJobs: (organization: string, query: { readonly ids?: string } = {}) =>
    withQuery(`/organizations/${part(organization)}/provisioner-jobs`, query),
  newGroup: (organization: string) => `/organizations/${part(organization)}/groups/create`,
  group: (organization: string, group: string, query: { readonly filter?: string } = {}) =>
    withQuery(`/organizations/${part(organization)}/groups/${part(group)}`, query),
  groupSettings: (organization: string, group: string) =>
    `/organizations/${part(organization)}/groups/${part(group)}/settings`,
  groupAi: (organization: string, group: string, query: { readonly page?: string } = {}) =>
    withQuery(`/organizations/${part(organization)}/groups/${part(group)}/ai`, query),
  newRole: (organization: string) => `/organizations/${part(organization)}/roles/create`,
  role: (organization: string, role: string) => `/organizations/${part(organization)}/roles/${part(role)}`,
  idpOrganizationSync: () => '/deployment/idp-org-sync',
  oauth2Apps: (query: { readonly tab?: 'settings' } = {}) =>
    withQuery('/deployment/oauth2-provider/apps', query),
  newOAuth2App: () => '/deployment/oauth2-provider/apps/add',
  oauth2App: (app: string) => `/deployment/oauth2-provider/apps/${part(app)}`,
  tasks: (query: Query = {}) => withQuery('/tasks', query),
  /** By name or id (WS-251). */
  task: (owner: string, task: string, query: Query = {}) =>
    withQuery(`/tasks/${part(owner)}/${part(task)}`, query),
  agents: (query: Query = {}) => withQuery('/agents', query),
  chat: (chat: string, query: Query = {}) => withQuery(`/agents/${part(chat)}`, query),
  agentSettings: (page?: AgentSettingsPage) => `/agents/settings${page === undefined ? '' : `/${page}`}`,
  newSkill: () => '/agents/settings/personal-skills/add',
  skill: (name: string) => `/agents/settings/personal-skills/edit/${part(name)}`,
  aiSettings: () => '/ai/settings',
  aiProviders: () => '/ai/settings/providers',
  newAiProvider: (query: { readonly type?: string } = {}) => withQuery('/ai/settings/providers/add', query),
  aiProvider: (provider: string) => `/ai/settings/providers/${part(provider)}`,
  aiModels: () => '/ai/settings/models',
  newAiModel: (query: { readonly provider?: string; readonly duplicate?: string } = {}) =>
    withQuery('/ai/settings/models/add', query),
  aiModel: (model: string) => `/ai/settings/models/${part(model)}`,
  aiAgents: (page: 'coder-agents' | 'instructions' | 'lifecycle') => `/ai/settings/${page}`,
  aiGovernance: () => '/ai/settings/governance',
  aiModelPrices: (query: { readonly filter?: string } = {}) => withQuery('/ai/settings/prices', query),
  aiSessions: (query: { readonly filter?: string; readonly page?: string } = {}) =>
    withQuery('/ai-gateway/sessions', query),
  aiSession: (
    session: string,
    query: { readonly initiator?: string; readonly filter?: string; readonly page?: string } = {},
  ) => withQuery(`/ai-gateway/sessions/${part(session)}`, query),
  mcpServers: (query: { readonly org?: string } = {}) => withQuery('/ai/settings/mcp-servers', query),
  newMcpServer: (query: { readonly org?: string } = {}) => withQuery('/ai/settings/mcp-servers/add', query),
  mcpServer: (server: string, query: { readonly org?: string } = {}) =>
    withQuery(`/ai/settings/mcp-servers/${part(server)}`, query),
  /** Served by the server, for a window of its own: sends the viewer to where they sign in to the MCP server. */
  connectMcpServer: (organization: string, server: string) =>
    `/api/experimental/organizations/${part(organization)}/mcp-servers/${part(server)}/oauth2/connect`,
  settings: (page: SettingsPage) => `/settings/${page}`,
  newToken: (query: { readonly for?: 'ai' } = {}) => withQuery('/settings/tokens/new', query),
  token: (id: string) => `/settings/tokens/${part(id)}`,
  users: (query: { readonly filter?: string } = {}) => withQuery('/deployment/users', query),
  createUser: () => '/deployment/users/create',
  user: (user: string) => `/deployment/users/${part(user)}`,
  auditLog: (query: { readonly filter?: string } = {}) => withQuery('/audit', query),
  connectionLog: (query: { readonly filter?: string } = {}) => withQuery('/connectionlog', query),
  deployment: (page: DeploymentPage, query: { readonly filter?: string; readonly show?: string } = {}) =>
    withQuery(`/deployment/${page}`, query),
  health: (section = 'access-url') => `/health/${part(section)}`,
  newIdentityProvider: () => '/deployment/userauth/providers/new',
  identityProvider: (provider: string) => `/deployment/userauth/providers/${part(provider)}`,
  identityProviderTest: (provider: string, test: string) =>
    `/deployment/userauth/providers/${part(provider)}/test/${part(test)}`,
  explainAccess: (query: { readonly user?: string } = {}) => withQuery('/deployment/access', query),
  newSecret: () => '/settings/secrets/new',
  secret: (name: string) => `/settings/secrets/${part(name)}`,
  importSecrets: () => '/settings/secrets/import',
  /** Where a connection to a provider is made and looked at (UI-606). */
  externalAuth: (provider: string) => `/external-auth/${part(provider)}`,
  /** Served by the server: sends the viewer to the provider, and then to `redirect`. */
  connectExternalAuth: (provider: string, query: { readonly redirect?: string } = {}) =>
    withQuery(`/external-auth/${part(provider)}/callback`, query),
  signIn: (query: { readonly redirect?: string; readonly reason?: string } = {}) =>
    withQuery('/login', query),
  resetPassword: (query: { readonly email?: string } = {}) => withQuery('/reset-password', query),
  setup: () => '/setup',
  welcome: () => '/welcome',
} as const

type Query = Readonly<Record<string, string | undefined>>
export type AgentSettingsPage = 'general' | 'compaction' | 'user-agents' | 'personal-skills' | 'api-keys'

interface TemplateRef {
  readonly name: string
  readonly organization_name: string
}

export type TemplateTab =
  | 'docs'
  | 'parameters'
  | 'versions'
  | 'insights'
  | 'permissions'
  | 'settings'
  | 'workspace'
export type DeploymentPage =
  | 'appearance'
  | 'notifications'
  | 'overview'
  | 'security'
  | 'observability'
  | 'network'
  | 'userauth'
  | 'external-auth'
export type OrganizationPage =
  | 'members'
  | 'groups'
  | 'roles'
  | 'provisioners'
  | 'provisioner-jobs'
  | 'idp-sync'
  | 'ai-spend'
  | 'ai-limits'
  | 'settings'
type SettingsPage =
  | 'account'
  | 'ai'
  | 'security'
  | 'sessions'
  | 'appearance'
  | 'notifications'
  | 'schedule'
  | 'ssh-keys'
  | 'external-auth'
  | 'oauth2-provider'
  | 'mcp'
  | 'secrets'
  | 'tokens'
  | 'tokens/new'

function part(value: string): string {
  return encodeURIComponent(value)
}

function withQuery(path: string, query: Readonly<Record<string, string | undefined>>): string {
  const entries = Object.entries(query).filter(
    (entry): entry is [string, string] => entry[1] !== undefined && entry[1] !== '',
  )
  return entries.length === 0 ? path : `${path}?${new URLSearchParams(entries)}`
}
