import { parse as parseYaml } from 'yaml'

import { type Member, readMembers } from './indexed.ts'
import type { Environment, Indexed } from './option.ts'
import type { Parsed, ValueType } from './value-type.ts'

/** A provider that workspaces get tokens of, as configured (ID-178); empty texts take the default of the type. */
export interface ExternalAuthProvider {
  readonly id: string
  readonly type: string
  readonly clientId: string
  readonly clientSecret: string
  readonly authUrl: string
  readonly tokenUrl: string
  readonly validateUrl: string
  readonly revokeUrl: string
  readonly redirectUrl: string
  readonly regex: string
  readonly scopes: readonly string[]
  readonly extraTokenKeys: readonly string[]
  readonly noRefresh: boolean
  readonly deviceFlow: boolean
  readonly deviceCodeUrl: string
  readonly appInstallUrl: string
  readonly appInstallationsUrl: string
  readonly displayName: string
  readonly displayIcon: string
  readonly apiBaseUrl: string
  readonly mcpUrl: string
  readonly mcpToolAllowRegex: string
  readonly mcpToolDenyRegex: string
  /** Undefined takes the default of the type; a list without `S256` switches PKCE off (ID-180). */
  readonly pkceMethods: readonly string[] | undefined
}

type Providers = readonly ExternalAuthProvider[]

const PREFIXES = ['CODER_EXTERNAL_AUTH_', 'CODER_GITAUTH_'] as const
/** Variables of other purposes that share the prefix. */
const isForeign = (rest: string) => /^(GITHUB_DEFAULT_PROVIDER_ENABLE$|ACCESS_TOKEN_)/.test(rest)

const isRecord = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value)

function build(member: Member, label: string): Parsed<ExternalAuthProvider> {
  const text = (key: string) => member.get(key) ?? ''
  const words = (key: string) =>
    text(key)
      .split(/\s+/)
      .filter((word) => word !== '')
  const flag = (key: string) => /^(1|t|true)$/i.test(text(key))
  const provider: ExternalAuthProvider = {
    id: text('ID') || text('TYPE'),
    type: text('TYPE'),
    clientId: text('CLIENT_ID'),
    clientSecret: text('CLIENT_SECRET'),
    authUrl: text('AUTH_URL'),
    tokenUrl: text('TOKEN_URL'),
    validateUrl: text('VALIDATE_URL'),
    revokeUrl: text('REVOKE_URL'),
    redirectUrl: text('REDIRECT_URL'),
    regex: text('REGEX'),
    scopes: words('SCOPES'),
    extraTokenKeys: words('EXTRA_TOKEN_KEYS'),
    noRefresh: flag('NO_REFRESH'),
    deviceFlow: flag('DEVICE_FLOW'),
    deviceCodeUrl: text('DEVICE_CODE_URL'),
    appInstallUrl: text('APP_INSTALL_URL'),
    appInstallationsUrl: text('APP_INSTALLATIONS_URL'),
    displayName: text('DISPLAY_NAME'),
    displayIcon: text('DISPLAY_ICON'),
    apiBaseUrl: text('API_BASE_URL'),
    mcpUrl: text('MCP_URL'),
    mcpToolAllowRegex: text('MCP_TOOL_ALLOW_REGEX'),
    mcpToolDenyRegex: text('MCP_TOOL_DENY_REGEX'),
    pkceMethods: member.has('PKCE_METHODS') ? words('PKCE_METHODS') : undefined,
  }
  const problem = faultOf(provider)
  return problem === undefined
    ? { ok: true, value: provider }
    : { ok: false, problem: `${label}: ${problem}` }
}

function faultOf(provider: ExternalAuthProvider): string | undefined {
  if (provider.id === '') return 'needs ID or TYPE'
  if (!/^[a-zA-Z0-9]+(-[a-zA-Z0-9]+)*$/.test(provider.id))
    return `ID ${JSON.stringify(provider.id)} may hold letters, digits and single dashes only`
  if (provider.clientId === '') return 'needs CLIENT_ID'
  if (provider.deviceFlow && provider.deviceCodeUrl === '' && provider.type !== 'github')
    return 'needs DEVICE_CODE_URL for the device flow'
  return undefined
}

/** All members, or the fault of the first bad one; ids are unique (ID-179). */
function buildAll(members: readonly (readonly [Member, string])[]): { value: Providers; problems: string[] } {
  const value: ExternalAuthProvider[] = []
  const problems: string[] = []
  for (const [member, label] of members) {
    const built = build(member, label)
    if (!built.ok) problems.push(built.problem)
    else if (value.some(({ id }) => id === built.value.id))
      problems.push(`${label}: ID ${JSON.stringify(built.value.id)} is used twice`)
    else value.push(built.value)
  }
  return { value, problems }
}

function parseNode(node: unknown): Parsed<Providers> {
  if (node === null || node === undefined || node === '') return { ok: true, value: [] }
  if (!Array.isArray(node) || !node.every(isRecord))
    return { ok: false, problem: 'must be a list of {id, type, client_id, …}' }
  const members = node.map((entry, index) => {
    const texts = Object.entries(entry).map(([key, value]): [string, string] => [
      key.toUpperCase(),
      Array.isArray(value) ? value.join(' ') : String(value),
    ])
    return [new Map(texts), `entry ${index}`] as const
  })
  const { value, problems } = buildAll(members)
  return problems.length > 0 ? { ok: false, problem: problems.join('; ') } : { ok: true, value }
}

/** Wire form; it has no client secret (OP-11). */
function toJson(provider: ExternalAuthProvider) {
  return {
    id: provider.id,
    type: provider.type,
    client_id: provider.clientId,
    auth_url: provider.authUrl,
    token_url: provider.tokenUrl,
    validate_url: provider.validateUrl,
    revoke_url: provider.revokeUrl,
    redirect_url: provider.redirectUrl,
    regex: provider.regex,
    scopes: provider.scopes,
    no_refresh: provider.noRefresh,
    device_flow: provider.deviceFlow,
    device_code_url: provider.deviceCodeUrl,
    app_install_url: provider.appInstallUrl,
    app_installations_url: provider.appInstallationsUrl,
    display_name: provider.displayName,
    display_icon: provider.displayIcon,
    api_base_url: provider.apiBaseUrl,
    mcp_url: provider.mcpUrl,
    mcp_tool_allow_regex: provider.mcpToolAllowRegex,
    mcp_tool_deny_regex: provider.mcpToolDenyRegex,
    code_challenge_methods_supported: provider.pkceMethods ?? [],
  }
}

const type: ValueType<Providers> = {
  kind: 'structured',
  parse: (text) => {
    try {
      return parseNode(parseYaml(text))
    } catch {
      return { ok: false, problem: 'must be a list of {id, type, client_id, …}' }
    }
  },
  parseYaml: parseNode,
  append: (earlier, later) => [...earlier, ...later],
  format: (value) => JSON.stringify(value.map(toJson)),
  toJson: (value) => value.map(toJson),
  holds: (value): value is Providers =>
    Array.isArray(value) &&
    value.every(
      (entry) => isRecord(entry) && typeof entry.id === 'string' && typeof entry.clientId === 'string',
    ),
}

/** Reads `CODER_EXTERNAL_AUTH_<N>_…`, then the former `CODER_GITAUTH_<N>_…` (OP-8, ID-178). */
function indexed(environment: Environment): Indexed<Providers> {
  const families = PREFIXES.map((prefix) => ({ prefix, ...readMembers(environment, prefix, isForeign) }))
  const members = families.flatMap(({ prefix, members: of }) =>
    of.map((member, index) => [member, `${prefix}${index}`] as const),
  )
  const { value, problems } = buildAll(members)
  return {
    found: members.length > 0,
    value,
    problems: [...families.flatMap((family) => family.problems), ...problems],
  }
}

/** External auth providers, from YAML and from indexed variables. */
export const externalAuthProviders = { type, indexed }
