/** Every address of the dashboard, made in one place (UI-4, UI-401). */
export const paths = {
  workspaces: (query: { readonly filter?: string } = {}) => withQuery('/workspaces', query),
  workspace: (owner: string, workspace: string) => `/@${part(owner)}/${part(workspace)}`,
  workspaceBuild: (owner: string, workspace: string, build: number) =>
    `/@${part(owner)}/${part(workspace)}/builds/${build}`,
  workspaceSettings: (owner: string, workspace: string) => `/@${part(owner)}/${part(workspace)}/settings`,
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
  settings: (page: SettingsPage) => `/settings/${page}`,
  users: (query: { readonly filter?: string } = {}) => withQuery('/deployment/users', query),
  createUser: () => '/deployment/users/create',
  signIn: (query: { readonly redirect?: string; readonly reason?: string } = {}) =>
    withQuery('/login', query),
  setup: () => '/setup',
} as const

interface TemplateRef {
  readonly name: string
  readonly organization_name: string
}

export type TemplateTab = 'docs' | 'parameters' | 'versions' | 'settings' | 'workspace'
type SettingsPage = 'account' | 'security' | 'appearance' | 'ssh-keys' | 'tokens' | 'tokens/new'

function part(value: string): string {
  return encodeURIComponent(value)
}

function withQuery(path: string, query: Readonly<Record<string, string | undefined>>): string {
  const entries = Object.entries(query).filter(
    (entry): entry is [string, string] => entry[1] !== undefined && entry[1] !== '',
  )
  return entries.length === 0 ? path : `${path}?${new URLSearchParams(entries)}`
}
