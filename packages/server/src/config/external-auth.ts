import { parse as parseYaml } from 'yaml'

import { pattern } from './checks.ts'
import { type Member, readMembers } from './indexed.ts'
import type { Environment, Indexed } from './option.ts'
import { suggestion } from './suggestion.ts'
import { bool, type Parsed, url, type ValueType } from './value-type.ts'

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

const SHAPE = 'must be a list of {id, type, client_id, …}'
/** Former and wire name of `pkce_methods` in YAML. */
const PKCE_ON_THE_WIRE = 'code_challenge_methods_supported'

const YAML_KEYS: readonly string[] = [
  'id',
  'type',
  'client_id',
  'client_secret',
  'auth_url',
  'token_url',
  'validate_url',
  'revoke_url',
  'redirect_url',
  'regex',
  'scopes',
  'extra_token_keys',
  'no_refresh',
  'device_flow',
  'device_code_url',
  'app_install_url',
  'app_installations_url',
  'display_name',
  'display_icon',
  'api_base_url',
  'mcp_url',
  'mcp_tool_allow_regex',
  'mcp_tool_deny_regex',
  'pkce_methods',
  PKCE_ON_THE_WIRE,
]

const address = url('http', 'https')

const isRecord = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value)

/** One provider from the texts of its keys; every fault gets a line that begins with `label`. */
function build(member: Member, label: string, problems: string[]): ExternalAuthProvider {
  const fault = (problem: string) => problems.push(`${label}: ${problem}`)
  const text = (key: string) => member.get(key) ?? ''
  const words = (key: string) =>
    text(key)
      .split(/\s+/)
      .filter((word) => word !== '')
  const typed = <T>(type: ValueType<T>, key: string, none: T): T => {
    const parsed = type.parse(text(key))
    if (!parsed.ok) fault(`${key} ${parsed.problem}`)
    return parsed.ok ? parsed.value : none
  }
  const link = (key: string) => typed(address, key, '')
  const regex = (key: string) => {
    if (pattern(text(key)) !== undefined) fault(`${key} must be a regular expression`)
    return text(key)
  }
  const provider: ExternalAuthProvider = {
    id: text('ID') || text('TYPE'),
    type: text('TYPE'),
    clientId: text('CLIENT_ID'),
    clientSecret: text('CLIENT_SECRET'),
    authUrl: link('AUTH_URL'),
    tokenUrl: link('TOKEN_URL'),
    validateUrl: link('VALIDATE_URL'),
    revokeUrl: link('REVOKE_URL'),
    redirectUrl: link('REDIRECT_URL'),
    regex: regex('REGEX'),
    scopes: words('SCOPES'),
    extraTokenKeys: words('EXTRA_TOKEN_KEYS'),
    noRefresh: typed(bool, 'NO_REFRESH', false),
    deviceFlow: typed(bool, 'DEVICE_FLOW', false),
    deviceCodeUrl: link('DEVICE_CODE_URL'),
    appInstallUrl: link('APP_INSTALL_URL'),
    appInstallationsUrl: link('APP_INSTALLATIONS_URL'),
    displayName: text('DISPLAY_NAME'),
    displayIcon: text('DISPLAY_ICON'),
    apiBaseUrl: link('API_BASE_URL'),
    mcpUrl: link('MCP_URL'),
    mcpToolAllowRegex: regex('MCP_TOOL_ALLOW_REGEX'),
    mcpToolDenyRegex: regex('MCP_TOOL_DENY_REGEX'),
    pkceMethods: member.has('PKCE_METHODS') ? words('PKCE_METHODS') : undefined,
  }
  if (provider.id === '') fault('needs ID or TYPE')
  else if (!/^[a-zA-Z0-9]+(-[a-zA-Z0-9]+)*$/.test(provider.id))
    fault(`ID ${JSON.stringify(provider.id)} may hold letters, digits and single dashes only`)
  if (provider.clientId === '') fault('needs CLIENT_ID')
  if (provider.deviceFlow && provider.deviceCodeUrl === '' && provider.type !== 'github')
    fault('needs DEVICE_CODE_URL for the device flow')
  return provider
}

/** All members, with a line for each fault; ids are unique (ID-179). */
function buildAll(members: readonly (readonly [Member, string])[]): { value: Providers; problems: string[] } {
  const value: ExternalAuthProvider[] = []
  const problems: string[] = []
  for (const [member, label] of members) {
    const provider = build(member, label, problems)
    if (provider.id !== '' && value.some(({ id }) => id === provider.id))
      problems.push(`${label}: ID ${JSON.stringify(provider.id)} is used twice; give one of them another`)
    value.push(provider)
  }
  return { value, problems }
}

function parseNode(node: unknown): Parsed<Providers> {
  if (node === null || node === undefined || node === '') return { ok: true, value: [] }
  if (!Array.isArray(node) || !node.every(isRecord)) return { ok: false, problem: SHAPE }
  const faults: string[] = []
  const members = node.map((entry, index) => {
    const label = `entry ${index}`
    return [memberOf(entry, label, faults), label] as const
  })
  const { value, problems } = buildAll(members)
  const all = [...faults, ...problems]
  return all.length > 0 ? { ok: false, problem: all.join('; ') } : { ok: true, value }
}

/** The keys of a YAML entry under the names that the variables have; unknown ones are faults (OP-4). */
function memberOf(entry: Record<string, unknown>, label: string, faults: string[]): Member {
  const member = new Map<string, string>()
  for (const [key, value] of Object.entries(entry)) {
    if (!YAML_KEYS.includes(key)) {
      const close = suggestion(key, YAML_KEYS)
      faults.push(
        `${label}: there is no key ${JSON.stringify(key)}${close === undefined ? '' : `; did you mean ${close}?`}`,
      )
    } else if (isRecord(value)) faults.push(`${label}: ${key} must be a text or a list of texts`)
    else if (value !== null)
      member.set(
        key === PKCE_ON_THE_WIRE ? 'PKCE_METHODS' : key.toUpperCase(),
        Array.isArray(value) ? value.join(' ') : String(value),
      )
  }
  return member
}

/** Wire form; it has no client secret (OP-11). */
function toJson(provider: ExternalAuthProvider) {
  return {
    id: provider.id,
    type: provider.type,
    client_id: provider.clientId,
    auth_url: address.toJson(provider.authUrl),
    token_url: address.toJson(provider.tokenUrl),
    validate_url: address.toJson(provider.validateUrl),
    revoke_url: address.toJson(provider.revokeUrl),
    redirect_url: address.toJson(provider.redirectUrl),
    regex: provider.regex,
    scopes: provider.scopes,
    no_refresh: provider.noRefresh,
    device_flow: provider.deviceFlow,
    device_code_url: address.toJson(provider.deviceCodeUrl),
    app_install_url: address.toJson(provider.appInstallUrl),
    app_installations_url: address.toJson(provider.appInstallationsUrl),
    display_name: provider.displayName,
    display_icon: provider.displayIcon,
    api_base_url: address.toJson(provider.apiBaseUrl),
    mcp_url: address.toJson(provider.mcpUrl),
    mcp_tool_allow_regex: provider.mcpToolAllowRegex,
    mcp_tool_deny_regex: provider.mcpToolDenyRegex,
    [PKCE_ON_THE_WIRE]: provider.pkceMethods ?? [],
  }
}

/** The entry of a file that reads back as the provider, all but its secret (OP-4). */
function toYaml(provider: ExternalAuthProvider): Record<string, unknown> {
  const { [PKCE_ON_THE_WIRE]: _methods, ...wire } = toJson(provider)
  const entry = {
    ...wire,
    extra_token_keys: provider.extraTokenKeys,
    ...(provider.pkceMethods === undefined ? {} : { pkce_methods: provider.pkceMethods }),
  }
  const isEmpty = (key: string, value: unknown) =>
    value === '' || value === false || (key !== 'pkce_methods' && Array.isArray(value) && value.length === 0)
  return Object.fromEntries(Object.entries(entry).filter(([key, value]) => !isEmpty(key, value)))
}

const type: ValueType<Providers> = {
  kind: 'structured',
  parse: (text) => {
    try {
      return parseNode(parseYaml(text, { logLevel: 'error' }))
    } catch {
      return { ok: false, problem: SHAPE }
    }
  },
  parseYaml: parseNode,
  toYaml: (value) => value.map(toYaml),
  append: (earlier, later) => [...earlier, ...later],
  format: (value) => JSON.stringify(value.map(toYaml)),
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
  const gaps = families.flatMap((family) => family.problems)
  // The numbers of members after a gap would be wrong, so only the gap is reported.
  return { found: members.length > 0, value, problems: gaps.length > 0 ? gaps : problems }
}

/** External auth providers, from YAML and from indexed variables. */
export const externalAuthProviders = { type, indexed }
