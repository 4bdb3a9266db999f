import { isRateLimited, type Outbound, OutboundError } from '../outbound/index.ts'
import { authenticateClient, type ClientAuthentication } from './client-authentication.ts'

/** The way to a token endpoint. */
export type TokenSender = Pick<Outbound, 'fetch'>

/** A client of a provider, as its token endpoint knows it. */
export interface TokenClient {
  /** The provider, as operators name it; a label of metrics. */
  readonly name: string
  readonly clientId: string
  readonly tokenUrl: string
  readonly authentication: ClientAuthentication
  /** Tried when the provider does not know the client by the first one. */
  readonly otherAuthentication?: ClientAuthentication
  /** Further parameters of every token request, such as `resource`. */
  readonly tokenParameters?: Readonly<Record<string, string>>
  /** Further headers of every token request. */
  readonly tokenHeaders?: Readonly<Record<string, string>>
}

/** What a token endpoint gave. */
export interface TokenSet {
  readonly accessToken: string
  readonly tokenType: string
  readonly refreshToken: string | undefined
  /** Undefined when the provider names no end. */
  readonly expiresAt: Date | undefined
  readonly idToken: string | undefined
  /** The whole answer, for fields of single providers. */
  readonly raw: Readonly<Record<string, unknown>>
}

/** A token endpoint that did not give a token. */
export class TokenEndpointError extends Error {
  override readonly name = 'TokenEndpointError'
  /** Status of the answer; 0 without any. */
  readonly status: number
  /** Error code of RFC 6749 section 5.2, RFC 8628 section 3.5 or the provider's own. */
  readonly code: string | undefined
  readonly rateLimited: boolean

  constructor(
    message: string,
    about: { readonly status: number; readonly code?: string | undefined; readonly rateLimited?: boolean },
    cause?: unknown,
  ) {
    super(message, cause === undefined ? undefined : { cause })
    this.status = about.status
    this.code = about.code
    this.rateLimited = about.rateLimited ?? false
  }

  /** Whether the provider has decided and would decide the same again; false for outages, faults and rate limits. */
  get refused(): boolean {
    if (this.rateLimited) return false
    return (this.status >= 400 && this.status < 500) || (this.code !== undefined && this.status < 400)
  }
}

/** Longest text of a provider that is passed on, in characters. */
const MAX_TEXT = 400

/**
 * Redeems an authorization code (RFC 6749 section 4.1.3, RFC 7636 section 4.5).
 *
 * @throws TokenEndpointError
 */
export function exchangeCode(
  outbound: TokenSender,
  client: TokenClient,
  grant: {
    readonly code: string
    readonly redirectUri: string | undefined
    readonly codeVerifier: string | undefined
  },
  now: Date,
): Promise<TokenSet> {
  return requestToken(outbound, client, 'Exchange', now, {
    grant_type: 'authorization_code',
    code: grant.code,
    ...(grant.redirectUri === undefined ? {} : { redirect_uri: grant.redirectUri }),
    ...(grant.codeVerifier === undefined ? {} : { code_verifier: grant.codeVerifier }),
  })
}

/**
 * Asks whether the person has allowed a device (RFC 8628 section 3.4). While they have not, the error has the code
 * `authorization_pending` or `slow_down`.
 *
 * @throws TokenEndpointError
 */
export function exchangeDeviceCode(
  outbound: TokenSender,
  client: TokenClient,
  deviceCode: string,
  now: Date,
): Promise<TokenSet> {
  return requestToken(outbound, client, 'Exchange', now, {
    grant_type: 'urn:ietf:params:oauth:grant-type:device_code',
    device_code: deviceCode,
  })
}

/**
 * Redeems a refresh token (RFC 6749 section 6). An answer without a new refresh token leaves the old one in use: it is
 * then undefined here.
 *
 * @throws TokenEndpointError
 */
export function refreshTokens(
  outbound: TokenSender,
  client: TokenClient,
  refreshToken: string,
  now: Date,
): Promise<TokenSet> {
  return requestToken(outbound, client, 'TokenSource', now, {
    grant_type: 'refresh_token',
    refresh_token: refreshToken,
  })
}

async function requestToken(
  outbound: TokenSender,
  client: TokenClient,
  source: 'Exchange' | 'TokenSource',
  now: Date,
  parameters: Readonly<Record<string, string>>,
): Promise<TokenSet> {
  const { authentication, otherAuthentication: other } = client
  try {
    return await requestOnce(outbound, { ...client, authentication }, source, now, parameters)
  } catch (error) {
    // The code or refresh token is not spent: who it is for comes first (RFC 6749 section 4.1.3).
    if (other === undefined || !(error instanceof TokenEndpointError) || !isUnknownClient(error)) throw error
    return requestOnce(outbound, { ...client, authentication: other }, source, now, parameters)
  }
}

function isUnknownClient({ code, status }: TokenEndpointError): boolean {
  return code === 'invalid_client' || (status === 401 && code === undefined)
}

async function requestOnce(
  outbound: TokenSender,
  client: TokenClient,
  source: 'Exchange' | 'TokenSource',
  now: Date,
  parameters: Readonly<Record<string, string>>,
): Promise<TokenSet> {
  const form = new URLSearchParams({ ...client.tokenParameters, ...parameters })
  const headers = new Headers({
    Accept: 'application/json',
    'Content-Type': 'application/x-www-form-urlencoded',
    ...client.tokenHeaders,
  })
  await authenticateClient(form, headers, client.clientId, client.authentication, client.tokenUrl)
  let response: Response
  try {
    response = await outbound.fetch({ name: client.name, source }, client.tokenUrl, {
      method: 'POST',
      headers,
      body: form.toString(),
    })
  } catch (error) {
    if (!(error instanceof OutboundError)) throw error
    // Who asks need not learn where the endpoint is; the log does.
    const why = error.kind === 'timeout' ? 'did not answer in time' : 'cannot be used'
    throw new TokenEndpointError(`the token endpoint ${why}`, { status: 0 }, error)
  }
  return readAnswer(response, await response.text(), now)
}

function readAnswer(response: Response, text: string, now: Date): TokenSet {
  const raw = parseAnswer(response.headers.get('content-type') ?? '', text)
  const code = textOf(raw, 'error')
  const about = { status: response.status, code, rateLimited: isRateLimited(response) }
  const failure =
    [code, textOf(raw, 'error_description')].filter((part) => part !== undefined).join(': ') ||
    `the token endpoint answered ${response.status}`
  // GitHub answers 200 to what it refuses.
  if (!response.ok || code !== undefined) throw new TokenEndpointError(failure.slice(0, MAX_TEXT), about)
  const accessToken = textOf(raw, 'access_token')
  if (accessToken === undefined)
    throw new TokenEndpointError('the token endpoint gave no access token', about)
  const seconds = Number(raw.expires_in ?? Number.NaN)
  return {
    accessToken,
    tokenType: textOf(raw, 'token_type') ?? 'bearer',
    refreshToken: textOf(raw, 'refresh_token'),
    expiresAt:
      Number.isFinite(seconds) && seconds > 0 && seconds < 1e10
        ? new Date(now.getTime() + seconds * 1000)
        : undefined,
    idToken: textOf(raw, 'id_token'),
    raw,
  }
}

/** JSON as RFC 6749 wants it, or a form as older GitHub servers send it; an empty record for anything else. */
function parseAnswer(contentType: string, text: string): Readonly<Record<string, unknown>> {
  if (
    /^application\/x-www-form-urlencoded|^text\/plain/i.test(contentType) &&
    !text.trimStart().startsWith('{')
  )
    return Object.fromEntries(new URLSearchParams(text))
  try {
    const parsed: unknown = JSON.parse(text)
    return typeof parsed === 'object' && parsed !== null && !Array.isArray(parsed) ? { ...parsed } : {}
  } catch {
    return {}
  }
}

function textOf(raw: Readonly<Record<string, unknown>>, field: string): string | undefined {
  const value = raw[field]
  return typeof value === 'string' && value !== '' ? value : undefined
}
