import type {
  CreateMCPServerConfigRequest,
  MCPServerConfig,
  UpdateMCPServerConfigRequest,
} from '@slipway/contract'

type AuthType = CreateMCPServerConfigRequest['auth_type']
type Transport = CreateMCPServerConfigRequest['transport']
type Availability = CreateMCPServerConfigRequest['availability']

/** A header with its value; its key stays while others come and go. */
export interface Header {
  readonly key: number
  readonly name: string
  readonly value: string
}

/** A server as it is edited: lists of tools are texts, and secrets are empty while they stay as they are. */
export interface ServerDraft {
  readonly display_name: string
  readonly slug: string
  readonly description: string
  readonly icon_url: string
  readonly url: string
  readonly transport: Transport
  readonly auth_type: AuthType
  /** Find the authorization server and register there, instead of the fields below. */
  readonly discover: boolean
  /** What was found before is looked for anew. */
  readonly rediscover: boolean
  readonly oauth2_client_id: string
  readonly oauth2_client_secret: string
  readonly oauth2_auth_url: string
  readonly oauth2_token_url: string
  readonly oauth2_revocation_url: string
  readonly oauth2_scopes: string
  readonly api_key_header: string
  readonly api_key_value: string
  /** `undefined` keeps those that are stored. */
  readonly headers: readonly Header[] | undefined
  readonly allow: string
  readonly deny: string
  readonly enabled: boolean
  readonly availability: Availability
  readonly allow_in_plan_mode: boolean
  readonly model_intent: boolean
  readonly forward_coder_headers: boolean
}

export const NEW_SERVER: ServerDraft = {
  display_name: '',
  slug: '',
  description: '',
  icon_url: '',
  url: '',
  transport: 'streamable_http',
  auth_type: 'none',
  discover: true,
  rediscover: false,
  oauth2_client_id: '',
  oauth2_client_secret: '',
  oauth2_auth_url: '',
  oauth2_token_url: '',
  oauth2_revocation_url: '',
  oauth2_scopes: '',
  api_key_header: 'Authorization',
  api_key_value: '',
  headers: [{ key: 0, name: '', value: '' }],
  allow: '',
  deny: '',
  enabled: true,
  availability: 'default_off',
  allow_in_plan_mode: false,
  model_intent: false,
  forward_coder_headers: false,
}

export function draftOf(server: MCPServerConfig): ServerDraft {
  const same = {
    display_name: server.display_name,
    slug: server.slug,
    description: server.description,
    icon_url: server.icon_url,
    url: server.url,
    oauth2_client_id: server.oauth2_client_id,
    oauth2_auth_url: server.oauth2_auth_url,
    oauth2_token_url: server.oauth2_token_url,
    oauth2_revocation_url: server.oauth2_revocation_url,
    oauth2_scopes: server.oauth2_scopes,
    enabled: server.enabled,
    allow_in_plan_mode: server.allow_in_plan_mode,
    model_intent: server.model_intent,
    forward_coder_headers: server.forward_coder_headers,
  }
  return {
    ...NEW_SERVER,
    ...same,
    transport: server.transport === 'sse' ? 'sse' : 'streamable_http',
    auth_type: AUTH.find((one) => one === server.auth_type) ?? 'none',
    availability: AVAILABLE.find((one) => one === server.availability) ?? 'default_off',
    discover: server.oauth2_client_id === '' || isDiscovered(server),
    api_key_header: server.api_key_header || NEW_SERVER.api_key_header,
    headers: server.has_custom_headers ? undefined : NEW_SERVER.headers,
    allow: server.tool_allow_list.join('\n'),
    deny: server.tool_deny_list.join('\n'),
  }
}

/** Whether its authorization server was found by its address, and not configured. */
function isDiscovered({ auth_type: type, oauth2_issuer: issuer }: MCPServerConfig): boolean {
  return type === 'oauth2' && issuer !== ''
}

const AUTH: readonly AuthType[] = ['none', 'oauth2', 'api_key', 'custom_headers', 'user_oidc']
const AVAILABLE: readonly Availability[] = ['force_on', 'default_on', 'default_off']

/** What is sent to make one. */
export function creationOf(draft: ServerDraft): CreateMCPServerConfigRequest {
  return {
    display_name: draft.display_name.trim(),
    slug: draft.slug.trim(),
    description: draft.description.trim(),
    icon_url: draft.icon_url.trim(),
    url: draft.url.trim(),
    transport: draft.transport,
    auth_type: draft.auth_type,
    availability: draft.availability,
    ...signInOf(draft),
    tool_allow_list: namesOf(draft.allow),
    tool_deny_list: namesOf(draft.deny),
    enabled: draft.enabled,
    allow_in_plan_mode: draft.allow_in_plan_mode,
    model_intent: draft.model_intent,
    forward_coder_headers: draft.forward_coder_headers,
  }
}

/** What is sent to change one: all that the form shows; secrets only where a new one was given, and what was found stays. */
export function changeOf(draft: ServerDraft, stored: MCPServerConfig): UpdateMCPServerConfigRequest {
  const change = creationOf(draft)
  const kept =
    draft.auth_type === 'oauth2' &&
    draft.discover &&
    !draft.rediscover &&
    isDiscovered(stored) &&
    change.url === stored.url
  if (!kept) return change
  const { oauth2_client_id, oauth2_auth_url, oauth2_token_url, oauth2_revocation_url, ...others } = change
  return others
}

function signInOf(draft: ServerDraft): UpdateMCPServerConfigRequest {
  switch (draft.auth_type) {
    case 'none':
    case 'user_oidc':
      return {}
    case 'api_key':
      return {
        api_key_header: draft.api_key_header.trim(),
        ...(draft.api_key_value === '' ? {} : { api_key_value: draft.api_key_value }),
      }
    case 'custom_headers':
      return draft.headers === undefined
        ? {}
        : {
            custom_headers: Object.fromEntries(
              draft.headers
                .filter(({ name }) => name.trim() !== '')
                .map(({ name, value }) => [name.trim(), value]),
            ),
          }
    case 'oauth2':
      return {
        oauth2_scopes: draft.oauth2_scopes.trim(),
        ...(draft.discover
          ? { oauth2_client_id: '', oauth2_auth_url: '', oauth2_token_url: '', oauth2_revocation_url: '' }
          : {
              oauth2_client_id: draft.oauth2_client_id.trim(),
              oauth2_auth_url: draft.oauth2_auth_url.trim(),
              oauth2_token_url: draft.oauth2_token_url.trim(),
              oauth2_revocation_url: draft.oauth2_revocation_url.trim(),
              ...(draft.oauth2_client_secret === ''
                ? {}
                : { oauth2_client_secret: draft.oauth2_client_secret }),
            }),
      }
  }
}

/** Names of tools, one in each line or parted by commas. */
export function namesOf(text: string): string[] {
  return [...new Set(text.split(/[\n,]/).map((name) => name.trim()))].filter((name) => name !== '')
}

/** Whether chats get a tool: denying wins, and a list of allowed ones leaves out all others (OA-115). */
export function isOffered({ allow, deny }: Pick<ServerDraft, 'allow' | 'deny'>, tool: string): boolean {
  const allowed = namesOf(allow)
  return !namesOf(deny).includes(tool) && (allowed.length === 0 || allowed.includes(tool))
}

/** The lists with which chats get a tool, or do not. */
export function withTool(
  { allow, deny }: Pick<ServerDraft, 'allow' | 'deny'>,
  tool: string,
  offered: boolean,
): Pick<ServerDraft, 'allow' | 'deny'> {
  const allowed = namesOf(allow)
  const denied = namesOf(deny).filter((name) => name !== tool)
  if (offered)
    return {
      allow: (allowed.length === 0 || allowed.includes(tool) ? allowed : [...allowed, tool]).join('\n'),
      deny: denied.join('\n'),
    }
  // The last one to go from the allowed ones would open all others, so it is denied instead.
  const others = allowed.filter((name) => name !== tool)
  return allowed.includes(tool) && others.length > 0
    ? { allow: others.join('\n'), deny: denied.join('\n') }
    : { allow: allowed.join('\n'), deny: [...denied, tool].join('\n') }
}

/** Whether saving would change something. */
export function isSameServer(one: ServerDraft, other: ServerDraft): boolean {
  const sent = (draft: ServerDraft) => JSON.stringify([creationOf(draft), draft.rediscover])
  return sent(one) === sent(other)
}

/** Whether everybody who is connected has to connect again after this change (OA-106). */
export function endsConnections(before: ServerDraft, after: ServerDraft): boolean {
  const destination = (draft: ServerDraft) => {
    const { url, auth_type, oauth2_client_id, oauth2_token_url, oauth2_revocation_url } = creationOf(draft)
    return JSON.stringify([
      url,
      auth_type,
      oauth2_client_id,
      oauth2_token_url,
      oauth2_revocation_url,
      draft.rediscover,
    ])
  }
  return before.auth_type === 'oauth2' && destination(before) !== destination(after)
}

/** A short name for tools of a server: `acme-search` for "Acme search". */
export function suggestedSlug(displayName: string): string {
  return displayName
    .normalize('NFKD')
    .toLowerCase()
    .replace(/[^a-z0-9]+/g, '-')
    .replace(/^-+|-+$/g, '')
    .slice(0, 64)
}
