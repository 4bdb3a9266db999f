import { createHash } from 'node:crypto'

import type { OAuth2ApplicationType, OAuth2TokenEndpointAuthMethod } from '@slipway/contract'
import { OAuthError } from '../errors/index.ts'
import { redirectUriFault } from './redirect-uris.ts'
import { knownScopes, parseScopes } from './scopes.ts'
import type { OAuthClient } from './store/clients.ts'

const DEFAULT_NAME = 'Dynamically Registered Client'
const MAX_NAME = 64
const MAX_URL = 2048
const MAX_LOGO = 256
const MAX_SOFTWARE = 256
const MAX_SCOPE = 4096
const MAX_ENTRIES = 32
const MAX_CONTACT = 256
/** Bytes of a key set. */
const MAX_JWKS = 16 * 1024

const GRANT_TYPES = ['authorization_code', 'refresh_token', 'urn:ietf:params:oauth:grant-type:device_code']
const AUTH_METHODS: readonly OAuth2TokenEndpointAuthMethod[] = [
  'client_secret_basic',
  'client_secret_post',
  'none',
]
const APPLICATION_TYPES: readonly OAuth2ApplicationType[] = ['web', 'native']

/** What a client says of itself, checked and with the defaults of OA-32. */
export type ClientMetadata = Pick<
  OAuthClient,
  | 'name'
  | 'callback_url'
  | 'redirect_uris'
  | 'client_type'
  | 'grant_types'
  | 'response_types'
  | 'token_endpoint_auth_method'
  | 'application_type'
  | 'scope'
  | 'contacts'
  | 'client_uri'
  | 'logo_uri'
  | 'tos_uri'
  | 'policy_uri'
  | 'jwks_uri'
  | 'software_id'
  | 'software_version'
> & {
  /** As JSON; null for none. */
  readonly jwks: string | null
}

/** How documents are read. */
interface ReadingRules {
  /** What an absent method stands for. */
  readonly defaultMethod: OAuth2TokenEndpointAuthMethod
  /** Whether a host may be redirected to over https (OA-B19). */
  readonly redirectHosts: (hostname: string) => boolean
  /** The document is for all deployments: what this one does not know in its lists is left out. */
  readonly lenient: boolean
}

/**
 * Reads the metadata of a client (RFC 7591; OA-32…OA-35). Unknown members are ignored, and null is absent.
 *
 * @throws OAuthError 400 `invalid_client_metadata` naming the member.
 */
export function readClientMetadata(document: unknown, rules: ReadingRules): ClientMetadata {
  if (typeof document !== 'object' || document === null || Array.isArray(document))
    throw invalidMetadata('The body must be a JSON object')
  const read = new Reader(document)
  const method = read.oneOf('token_endpoint_auth_method', AUTH_METHODS) ?? rules.defaultMethod
  const client_type = method === 'none' ? 'public' : 'confidential'
  const application_type = read.oneOf('application_type', APPLICATION_TYPES) ?? null
  const redirect_uris = read.texts('redirect_uris', MAX_URL)
  const [callback_url] = redirect_uris
  if (callback_url === undefined) throw invalidMetadata('redirect_uris must name at least one address')
  for (const uri of redirect_uris) {
    const fault = redirectUriFault(uri, { client_type, application_type })
    if (fault !== undefined)
      throw invalidMetadata(`redirect_uris: ${JSON.stringify(uri.slice(0, 200))} ${fault}`)
    const url = new URL(uri)
    if (url.protocol === 'https:' && !rules.redirectHosts(url.hostname))
      throw invalidMetadata(`redirect_uris: this deployment redirects no clients to ${url.hostname}`)
  }
  const asked_types = read.texts('grant_types', MAX_SOFTWARE)
  const grant_types = rules.lenient ? asked_types.filter((type) => GRANT_TYPES.includes(type)) : asked_types
  for (const type of grant_types)
    if (!GRANT_TYPES.includes(type)) throw invalidMetadata(`grant_types: ${shown(type)} is not supported`)
  if (asked_types.length > 0 && !grant_types.includes('authorization_code'))
    throw invalidMetadata('grant_types must include authorization_code')
  const response_types = read.texts('response_types', MAX_SOFTWARE)
  if (rules.lenient && response_types.length > 0 && !response_types.includes('code'))
    throw invalidMetadata('response_types must include code')
  for (const type of response_types)
    if (type !== 'code' && !rules.lenient)
      throw invalidMetadata(`response_types: ${shown(type)} is not supported, only code`)
  const logo_uri = read.webUrl('logo_uri')
  if (logo_uri.length > MAX_LOGO) throw invalidMetadata(`logo_uri must have at most ${MAX_LOGO} characters`)
  const jwks_uri = read.webUrl('jwks_uri')
  const jwks = read.json('jwks', MAX_JWKS)
  if (jwks_uri !== '' && jwks !== null) throw invalidMetadata('jwks and jwks_uri exclude each other')
  return {
    name: shortened(read.text('client_name', 4096) || DEFAULT_NAME),
    callback_url,
    redirect_uris: [...new Set(redirect_uris)],
    client_type,
    grant_types: grant_types.length > 0 ? [...new Set(grant_types)] : ['authorization_code', 'refresh_token'],
    response_types: ['code'],
    token_endpoint_auth_method: method,
    application_type,
    scope: read.scope(rules.lenient),
    contacts: read.texts('contacts', MAX_CONTACT),
    client_uri: read.webUrl('client_uri'),
    logo_uri,
    tos_uri: read.webUrl('tos_uri'),
    policy_uri: read.webUrl('policy_uri'),
    jwks_uri,
    jwks,
    software_id: read.text('software_id', MAX_SOFTWARE),
    software_version: read.text('software_version', MAX_SOFTWARE),
  }
}

/** Names are cut so that cut ones still differ (OA-32). */
function shortened(name: string): string {
  const characters = [...name]
  if (characters.length <= MAX_NAME) return name
  const digest = createHash('sha256').update(name).digest('hex').slice(0, 8)
  return `${characters.slice(0, MAX_NAME - digest.length - 1).join('')}-${digest}`
}

/** Reads members of a document by their kinds. */
class Reader {
  readonly #members: ReadonlyMap<string, unknown>

  constructor(document: object) {
    this.#members = new Map(Object.entries(document).filter(([, value]) => value !== null))
  }

  text(name: string, max: number): string {
    const value = this.#members.get(name) ?? ''
    if (typeof value !== 'string') throw invalidMetadata(`${name} must be a text`)
    return checkedText(name, value, max)
  }

  texts(name: string, max: number): string[] {
    const value = this.#members.get(name) ?? []
    if (!Array.isArray(value)) throw invalidMetadata(`${name} must be a list of texts`)
    if (value.length > MAX_ENTRIES) throw invalidMetadata(`${name} must have at most ${MAX_ENTRIES} entries`)
    return value.map((entry: unknown) => {
      if (typeof entry !== 'string') throw invalidMetadata(`${name} must be a list of texts`)
      return checkedText(name, entry, max)
    })
  }

  oneOf<Value extends string>(name: string, values: readonly Value[]): Value | undefined {
    const text = this.text(name, MAX_URL)
    if (text === '') return undefined
    const found = values.find((value) => value === text)
    if (found === undefined) throw invalidMetadata(`${name} must be one of ${values.join(', ')}`)
    return found
  }

  webUrl(name: string): string {
    const text = this.text(name, MAX_URL)
    if (text === '') return ''
    const url = URL.parse(text)
    if (url === null || !/^https?:\/\/[^/?#]/i.test(text) || url.username !== '' || url.password !== '')
      throw invalidMetadata(`${name} must be an absolute http or https URL`)
    return text
  }

  scope(lenient: boolean): string {
    const text = this.text('scope', MAX_SCOPE)
    const scopes = lenient ? knownScopes(text) : parseScopes(text)
    if (scopes === undefined) throw invalidMetadata('scope names one that is not supported')
    return scopes.join(' ')
  }

  json(name: string, max: number): string | null {
    const value = this.#members.get(name)
    if (value === undefined) return null
    if (typeof value !== 'object' || Array.isArray(value)) throw invalidMetadata(`${name} must be an object`)
    const json = JSON.stringify(value)
    if (Buffer.byteLength(json) > max) throw invalidMetadata(`${name} must have at most ${max} bytes`)
    // What no column can hold; the second are halves of surrogate pairs, the only ones that are written so.
    if (json.includes('\\u0000') || /\\ud[89a-f]/.test(json))
      throw invalidMetadata(`${name} must not hold NUL characters or halves of surrogate pairs`)
    return json
  }
}

function checkedText(name: string, text: string, max: number): string {
  if ([...text].length > max) throw invalidMetadata(`${name} must have at most ${max} characters`)
  if (text.includes('\0') || !text.isWellFormed())
    throw invalidMetadata(`${name} must not hold NUL characters or halves of surrogate pairs`)
  return text
}

function shown(text: string): string {
  return JSON.stringify(text.slice(0, 64))
}

/** 400 for metadata that breaks a rule, which the text names (OA-35). */
export function invalidMetadata(description: string): OAuthError {
  return new OAuthError(400, 'invalid_client_metadata', description)
}
