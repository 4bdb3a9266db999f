import type { CreateMCPServerConfigRequest, UpdateMCPServerConfigRequest } from '@slipway/contract'
import { type Validation, validationFailed } from '../errors/index.ts'
import type { ConfigRow } from './store/configs.ts'

/** What an administrator says of a server; secrets are in the clear, and undefined ones stay as they are. */
export interface ConfigFields {
  readonly display_name: string
  readonly slug: string
  readonly description: string
  readonly icon_url: string
  readonly url: string
  readonly transport: ConfigRow['transport']
  readonly auth_type: ConfigRow['auth_type']
  readonly availability: ConfigRow['availability']
  readonly oauth2_client_id: string
  readonly oauth2_auth_url: string
  readonly oauth2_token_url: string
  readonly oauth2_revocation_url: string
  readonly oauth2_scopes: string
  readonly api_key_header: string
  readonly tool_allow_list: string[]
  readonly tool_deny_list: string[]
  readonly enabled: boolean
  readonly model_intent: boolean
  readonly allow_in_plan_mode: boolean
  readonly forward_coder_headers: boolean
}

/** Secrets of a config: a text or headers to store, `''` or none to clear, undefined to keep. */
export interface ConfigSecrets {
  readonly oauth2_client_secret: string | undefined
  readonly api_key_value: string | undefined
  readonly custom_headers: Readonly<Record<string, string>> | undefined
}

/** Fields and secrets that stand after a request, before they are stored. */
export interface WantedConfig {
  readonly fields: ConfigFields
  readonly secrets: ConfigSecrets
  /** Whether OAuth is to be discovered: nothing of it was given (OA-103). */
  readonly discover: boolean
}

const SLUG = /^[A-Za-z0-9][A-Za-z0-9._-]*$/
const HEADER = /^[!#$%&'*+.^_`|~0-9A-Za-z-]+$/
/** Headers that the transport sets, or that would lead a request elsewhere. */
const RESERVED_HEADERS = new Set([
  'accept',
  'connection',
  'content-length',
  'content-type',
  'expect',
  'host',
  'keep-alive',
  'last-event-id',
  'mcp-method',
  'mcp-name',
  'mcp-protocol-version',
  'mcp-session-id',
  'proxy-authorization',
  'te',
  'trailer',
  'transfer-encoding',
  'upgrade',
])

/** A new config (OA-103). @throws ApiError 400 naming every field that breaks a rule. */
export function newConfig(given: CreateMCPServerConfigRequest): WantedConfig {
  return checked(
    merged(
      {
        display_name: given.display_name,
        slug: given.slug,
        description: '',
        icon_url: '',
        url: given.url,
        transport: given.transport,
        auth_type: given.auth_type,
        availability: given.availability,
        oauth2_client_id: '',
        oauth2_auth_url: '',
        oauth2_token_url: '',
        oauth2_revocation_url: '',
        oauth2_scopes: '',
        api_key_header: '',
        tool_allow_list: [],
        tool_deny_list: [],
        enabled: false,
        model_intent: false,
        allow_in_plan_mode: false,
        forward_coder_headers: false,
      },
      given,
    ),
    secretsOf(given),
    { api_key_value: false, custom_headers: false },
  )
}

/** A config with a change made to it (OA-106). @throws ApiError 400 naming every field that breaks a rule. */
export function changedConfig(row: ConfigRow, given: UpdateMCPServerConfigRequest): WantedConfig {
  return checked(merged(row, given), secretsOf(given), {
    api_key_value: row.api_key_value !== null,
    custom_headers: row.custom_headers !== null,
  })
}

function merged(current: ConfigFields, given: UpdateMCPServerConfigRequest): ConfigFields {
  const text = (next: string | undefined, now: string): string => (next ?? now).trim()
  return {
    display_name: text(given.display_name, current.display_name),
    slug: text(given.slug, current.slug),
    description: text(given.description, current.description),
    icon_url: text(given.icon_url, current.icon_url),
    url: text(given.url, current.url),
    transport: given.transport ?? current.transport,
    auth_type: given.auth_type ?? current.auth_type,
    availability: given.availability ?? current.availability,
    oauth2_client_id: text(given.oauth2_client_id, current.oauth2_client_id),
    oauth2_auth_url: text(given.oauth2_auth_url, current.oauth2_auth_url),
    oauth2_token_url: text(given.oauth2_token_url, current.oauth2_token_url),
    oauth2_revocation_url: text(given.oauth2_revocation_url, current.oauth2_revocation_url),
    oauth2_scopes: text(given.oauth2_scopes, current.oauth2_scopes).split(/\s+/).join(' '),
    api_key_header: text(given.api_key_header, current.api_key_header),
    tool_allow_list: names(given.tool_allow_list ?? current.tool_allow_list),
    tool_deny_list: names(given.tool_deny_list ?? current.tool_deny_list),
    enabled: given.enabled ?? current.enabled,
    model_intent: given.model_intent ?? current.model_intent,
    allow_in_plan_mode: given.allow_in_plan_mode ?? current.allow_in_plan_mode,
    forward_coder_headers: given.forward_coder_headers ?? current.forward_coder_headers,
  }
}

function names(list: readonly string[]): string[] {
  return [...new Set(list.map((name) => name.trim()).filter((name) => name !== ''))]
}

function secretsOf(given: UpdateMCPServerConfigRequest): ConfigSecrets {
  const headers = given.custom_headers
  return {
    oauth2_client_secret: given.oauth2_client_secret?.trim(),
    api_key_value: given.api_key_value?.trim(),
    custom_headers:
      headers === undefined
        ? undefined
        : Object.fromEntries(Object.entries(headers).map(([name, value]) => [name.trim(), value.trim()])),
  }
}

/** Leaves out what is of another type, and requires what is of this one (OA-103, OA-106). */
function checked(
  all: ConfigFields,
  given: ConfigSecrets,
  stored: { readonly api_key_value: boolean; readonly custom_headers: boolean },
): WantedConfig {
  const fields = withoutOthers(all)
  const { auth_type: type } = fields
  const secrets: ConfigSecrets = {
    oauth2_client_secret: type === 'oauth2' ? given.oauth2_client_secret : '',
    api_key_value: type === 'api_key' ? given.api_key_value : '',
    custom_headers: type === 'custom_headers' ? given.custom_headers : {},
  }
  const faults: Validation[] = []
  const note = (field: string, detail: string | undefined): void => {
    if (detail !== undefined) faults.push({ field, detail })
  }
  if (fields.display_name === '') note('display_name', 'must not be blank')
  if (!SLUG.test(fields.slug))
    note('slug', 'must start with a letter or digit and hold only letters, digits and . _ -')
  note('url', webFault(fields.url))
  if (fields.icon_url !== '' && !fields.icon_url.startsWith('/') && !/^data:image\//.test(fields.icon_url))
    note('icon_url', webFault(fields.icon_url))
  let discover = false
  switch (type) {
    case 'none':
    case 'user_oidc':
      break
    case 'api_key':
      note('api_key_header', headerFault(fields.api_key_header))
      if (secrets.api_key_value === undefined ? !stored.api_key_value : secrets.api_key_value === '')
        note('api_key_value', 'is needed for this auth type')
      note('api_key_value', valueFault(secrets.api_key_value ?? ''))
      break
    case 'custom_headers':
      if (
        secrets.custom_headers === undefined
          ? !stored.custom_headers
          : Object.keys(secrets.custom_headers).length === 0
      )
        note('custom_headers', 'must hold at least one header for this auth type')
      for (const [name, value] of Object.entries(secrets.custom_headers ?? {}))
        note('custom_headers', headerFault(name) ?? valueFault(value))
      break
    case 'oauth2':
      discover = oauthFaults(fields, note)
      break
  }
  if (faults.length > 0) throw validationFailed(faults)
  return { fields, secrets, discover }
}

function withoutOthers(fields: ConfigFields): ConfigFields {
  const oauth = {
    oauth2_client_id: '',
    oauth2_auth_url: '',
    oauth2_token_url: '',
    oauth2_revocation_url: '',
    oauth2_scopes: '',
  }
  return {
    ...fields,
    ...(fields.auth_type === 'oauth2' ? {} : oauth),
    ...(fields.auth_type === 'api_key' ? {} : { api_key_header: '' }),
  }
}

/** Whether there is nothing to use, so that it has to be discovered. */
function oauthFaults(
  fields: ConfigFields,
  note: (field: string, detail: string | undefined) => void,
): boolean {
  const needed = ['oauth2_client_id', 'oauth2_auth_url', 'oauth2_token_url'] as const
  const missing = needed.filter((name) => fields[name] === '')
  if (missing.length > 0 && missing.length < needed.length)
    for (const name of missing)
      note(name, 'is needed with the other OAuth2 fields; leave all of them out to have them discovered')
  for (const name of ['oauth2_auth_url', 'oauth2_token_url'] as const)
    if (fields[name] !== '') note(name, webFault(fields[name]))
  if (fields.oauth2_revocation_url !== '')
    note('oauth2_revocation_url', revocationUrlFault(fields.oauth2_revocation_url))
  return missing.length === needed.length
}

/** What is wrong with an address for revocations (OA-105). */
export function revocationUrlFault(text: string): string | undefined {
  const url = URL.parse(text)
  if (url === null || url.host === '') return 'must be an absolute URL with a host'
  if (url.protocol === 'https:') return undefined
  return url.protocol === 'http:' && isLoopback(url)
    ? undefined
    : 'must be an https address, or an http one on this machine'
}

/** Whether a URL names this machine. */
export function isLoopback({ hostname }: URL): boolean {
  return hostname === 'localhost' || hostname === '[::1]' || /^127(\.\d+){3}$/.test(hostname)
}

function webFault(text: string): string | undefined {
  const url = URL.parse(text)
  return url !== null && (url.protocol === 'https:' || url.protocol === 'http:') && url.host !== ''
    ? undefined
    : 'must be an absolute http or https URL with a host'
}

function headerFault(name: string): string | undefined {
  if (!HEADER.test(name)) return `${JSON.stringify(name.slice(0, 64))} is not the name of a header`
  return RESERVED_HEADERS.has(name.toLowerCase()) ? `the header ${name} is reserved` : undefined
}

function valueFault(value: string): string | undefined {
  // biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is looked for.
  return /[\u0000-\u0008\u000a-\u001f\u007f]|[^\u0000-\u00ff]/.test(value)
    ? 'must hold no control characters and only what a header can hold'
    : undefined
}
