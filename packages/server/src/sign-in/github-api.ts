import type { DeviceAuthorization } from '@slipway/contract'
import type { AppContext } from '../context.ts'
import { ApiError } from '../errors/index.ts'
import type { FlowClient } from '../oauth-flow/index.ts'
import { type CallSource, isRateLimited, type Outbound, OutboundError } from '../outbound/index.ts'
import type { GithubProvider } from './provider.ts'

const SCOPES = ['read:user', 'read:org', 'user:email']
const PAGE = 100
/** Nobody is a member of more than this many pages of organizations or teams. */
const MAX_PAGES = 20

/** The account that a token is of. */
interface GithubUser {
  readonly id: number
  readonly login: string
  readonly name: string
  readonly avatarUrl: string
}

/** One of its addresses. */
interface GithubEmail {
  readonly email: string
  readonly primary: boolean
  readonly verified: boolean
}

/** A team of an organization that it belongs to. */
interface GithubTeam {
  readonly organization: string
  readonly slug: string
}

/** Where people sign in: github.com, or the Enterprise server. */
function webUrl({ baseUrl }: GithubProvider): string {
  return baseUrl === '' ? 'https://github.com' : baseUrl.replace(/\/$/, '')
}

/** Whether it is github.com, whose numbers other parts of the product know (ID-173). */
export function isGithubCom({ baseUrl }: GithubProvider): boolean {
  return baseUrl === '' || /^https?:\/\/(www\.)?github\.com\/?$/i.test(baseUrl)
}

/**
 * Key of a person's link: the number (ID-167), and for providers kept here the server before it, because numbers of two
 * servers are numbers of two people.
 */
export function githubLinkedId(provider: GithubProvider, id: number): string {
  return provider.plainLinkIds ? String(id) : `${webUrl(provider)}||${id}`
}

/** The client of the shared flow (ID-171). PKCE is always used (ID-154). */
export function githubFlowClient(provider: GithubProvider): FlowClient {
  const web = webUrl(provider)
  return {
    name: provider.id,
    clientId: provider.clientId,
    authorizationUrl: `${web}/login/oauth/authorize`,
    tokenUrl: `${web}/login/oauth/access_token`,
    scopes: SCOPES,
    codeChallengeMethods: ['S256'],
    authentication:
      provider.clientSecret === ''
        ? { method: 'none' }
        : { method: 'client_secret_post', secret: provider.clientSecret },
    authorizationParameters: {},
    device: provider.deviceFlow,
    deviceParameters: provider.source === 'settings' ? {} : { provider: provider.id },
  }
}

/** Starts a device flow (RFC 8628 section 3.1, ID-174). @throws ApiError 500 with what can be said of the reason. */
export async function startDevice(
  { outbound }: AppContext,
  provider: GithubProvider,
): Promise<DeviceAuthorization> {
  let response: Response
  try {
    response = await outbound.fetch(
      { name: provider.id, source: 'AuthorizeDevice', recordLimits: true },
      `${webUrl(provider)}/login/device/code`,
      {
        method: 'POST',
        headers: { Accept: 'application/json' },
        body: new URLSearchParams({ client_id: provider.clientId, scope: SCOPES.join(' ') }),
      },
    )
  } catch (error) {
    if (!(error instanceof OutboundError)) throw error
    throw deviceFailure(error.message, error)
  }
  if (isRateLimited(response))
    throw deviceFailure('rate limit hit, unable to authorize device. please try again later')
  const answer = await objectOf(response)
  const failure = textOf(answer, 'error_description') || textOf(answer, 'error')
  if (failure !== '') throw deviceFailure(failure.slice(0, 400))
  const [deviceCode, userCode, uri] = ['device_code', 'user_code', 'verification_uri'].map((field) =>
    textOf(answer, field),
  )
  if (!response.ok || !deviceCode || !userCode || !uri)
    throw deviceFailure(`GitHub answered ${response.status}.`)
  return {
    device_code: deviceCode,
    user_code: userCode,
    verification_uri: uri,
    expires_in: integerOf(answer, 'expires_in', 900),
    interval: integerOf(answer, 'interval', 5),
  }
}

/** What GitHub tells of the holder of a token. */
export class GithubApi {
  readonly #outbound: Outbound
  readonly #provider: GithubProvider
  readonly #api: string
  readonly #token: string

  constructor({ outbound }: AppContext, provider: GithubProvider, token: string) {
    this.#outbound = outbound
    this.#provider = provider
    this.#token = token
    this.#api = isGithubCom(provider) ? 'https://api.github.com' : `${webUrl(provider)}/api/v3`
  }

  /** @throws ApiError 500 for an answer without the number that accounts are known by (ID-172). */
  async user(): Promise<GithubUser> {
    const answer = await objectOf(await this.#get('GitAPIAuthUser', '/user'))
    const { id } = answer
    if (typeof id !== 'number' || !Number.isSafeInteger(id) || id <= 0)
      throw new ApiError(
        500,
        'The GitHub user ID is missing, this should never happen. Please report this error.',
      )
    return {
      id,
      login: textOf(answer, 'login'),
      name: textOf(answer, 'name'),
      avatarUrl: textOf(answer, 'avatar_url'),
    }
  }

  async emails(): Promise<GithubEmail[]> {
    return (await this.#list('GitAPIListEmails', '/user/emails')).map((entry) => ({
      email: textOf(entry, 'email'),
      primary: entry.primary === true,
      verified: entry.verified === true,
    }))
  }

  /** Names of the organizations that it is an active member of, in lower case. */
  async organizations(): Promise<string[]> {
    const memberships = await this.#list(
      'GitAPIListOrganizationMemberships',
      '/user/memberships/orgs?state=active',
    )
    return memberships.flatMap((entry) => {
      const login = textOf(recordOf(entry.organization), 'login')
      return entry.state === 'active' && login !== '' ? [login.toLowerCase()] : []
    })
  }

  /** Its teams, in lower case. */
  async teams(): Promise<GithubTeam[]> {
    return (await this.#list('GitAPIListTeams', '/user/teams')).map((entry) => ({
      organization: textOf(recordOf(entry.organization), 'login').toLowerCase(),
      slug: textOf(entry, 'slug').toLowerCase(),
    }))
  }

  /** Every page of a list, up to a bound. */
  async #list(source: CallSource, path: string): Promise<Readonly<Record<string, unknown>>[]> {
    const found: Readonly<Record<string, unknown>>[] = []
    for (let page = 1; page <= MAX_PAGES; page += 1) {
      const separator = path.includes('?') ? '&' : '?'
      const response = await this.#get(source, `${path}${separator}per_page=${PAGE}&page=${page}`)
      const entries: unknown = await parsed(response)
      if (!Array.isArray(entries)) break
      found.push(...entries.map(recordOf))
      if (entries.length < PAGE) break
    }
    return found
  }

  async #get(source: CallSource, path: string): Promise<Response> {
    const response = await this.#outbound.fetch({ name: this.#provider.id, source }, `${this.#api}${path}`, {
      headers: {
        Accept: 'application/vnd.github+json',
        Authorization: `Bearer ${this.#token}`,
        'User-Agent': 'slipway',
      },
    })
    if (!response.ok)
      throw new ApiError(500, 'Internal error fetching data from GitHub.', {
        detail: `GitHub answered ${response.status}.`,
      })
    return response
  }
}

function deviceFailure(detail: string, cause?: unknown): ApiError {
  return new ApiError(500, 'Failed to authorize device.', { detail, cause })
}

async function parsed(response: Response): Promise<unknown> {
  try {
    return JSON.parse(await response.text())
  } catch {
    return undefined
  }
}

async function objectOf(response: Response): Promise<Readonly<Record<string, unknown>>> {
  return recordOf(await parsed(response))
}

function recordOf(value: unknown): Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value) ? { ...value } : {}
}

function textOf(record: Readonly<Record<string, unknown>>, name: string): string {
  const value = record[name]
  return typeof value === 'string' ? value : ''
}

function integerOf(record: Readonly<Record<string, unknown>>, name: string, otherwise: number): number {
  const value = record[name]
  return typeof value === 'number' && Number.isSafeInteger(value) && value > 0 ? value : otherwise
}
