import {
  createRemoteJWKSet,
  customFetch,
  decodeJwt,
  decodeProtectedHeader,
  type JWTPayload,
  type JWTVerifyGetKey,
  errors as joseErrors,
  jwtVerify,
} from 'jose'

import type { AppContext } from '../context.ts'
import { ApiError, badRequest } from '../errors/index.ts'
import type { ClientAuthentication, FlowClient } from '../oauth-flow/index.ts'
import { OutboundError } from '../outbound/index.ts'
import type { Claims } from './oidc-profile.ts'
import type { OidcProvider } from './provider.ts'

/** What of a discovery document is used (OpenID Connect Discovery section 3). */
interface Metadata {
  readonly issuer: string
  readonly authorizationEndpoint: string
  readonly tokenEndpoint: string
  readonly userinfoEndpoint: string | undefined
  readonly endSessionEndpoint: string | undefined
  readonly codeChallengeMethods: readonly string[]
  readonly tokenAuthMethods: readonly string[]
  readonly signingAlgorithms: readonly string[]
  readonly keys: JWTVerifyGetKey
}

/** What a logout token says (OpenID Connect Back-Channel Logout 1.0 section 2.4). */
export interface LogoutToken {
  readonly issuer: string
  readonly subject: string | undefined
  readonly sid: string | undefined
  readonly id: string
  /** Until when it could be sent again. */
  readonly expiresAt: Date
}

const LOGOUT_EVENT = 'http://schemas.openid.net/event/backchannel-logout'
const LOGOUT_TYPES = ['logout+jwt', 'application/logout+jwt', 'jwt']
/** Older logout tokens are refused, so that used ones need not be remembered for longer; seconds. */
const LOGOUT_AGE = 3600

/** How long a discovery document is believed, in milliseconds. */
const METADATA_MS = 60 * 60_000
/** Clocks of providers differ from ours (L-34); seconds. */
const CLOCK_TOLERANCE = 60
/** Anybody who knows the client secret could sign with the others. */
const ASYMMETRIC = new Set([
  ...['RS256', 'RS384', 'RS512', 'PS256', 'PS384', 'PS512'],
  ...['ES256', 'ES384', 'ES512', 'EdDSA', 'Ed25519'],
])

/** What an issuer needs of the server. */
export type IssuerContext = Pick<AppContext, 'clock' | 'log' | 'outbound'>

/**
 * An issuer of OpenID Connect. Its discovery document is read when it is first needed, so that the server starts without
 * it (ID-220), and again every hour; its keys when a token names one that is not known.
 */
export class OidcIssuer {
  readonly #context: IssuerContext
  readonly #provider: OidcProvider
  readonly #signal: AbortSignal
  #known: { readonly metadata: Metadata; readonly at: number } | undefined
  #reading: Promise<Metadata> | undefined

  /** @param signal ends what is being read when the server stops. */
  constructor(context: IssuerContext, provider: OidcProvider, signal: AbortSignal) {
    this.#context = context
    this.#signal = signal
    this.#provider = provider
  }

  /**
   * The discovery document. An old one stays in use while the issuer cannot be reached.
   *
   * @throws ApiError 500 when it has never been read.
   */
  async metadata(): Promise<Metadata> {
    const now = Date.now()
    if (this.#known !== undefined && now - this.#known.at < METADATA_MS) return this.#known.metadata
    this.#reading ??= this.#discover().finally(() => {
      this.#reading = undefined
    })
    try {
      const metadata = await this.#reading
      this.#known = { metadata, at: now }
      return metadata
    } catch (error) {
      if (this.#known !== undefined) return this.#known.metadata
      throw new ApiError(500, `The identity provider cannot be used right now. Try again later.`, {
        detail: 'Its configuration could not be read; the log of the server says why.',
        cause: error,
      })
    }
  }

  /** The client of the shared flow. @throws ApiError 500 when the issuer is not known yet. */
  async flowClient(): Promise<FlowClient> {
    const provider = this.#provider
    const metadata = await this.metadata()
    return {
      name: provider.id,
      clientId: provider.clientId,
      authorizationUrl: metadata.authorizationEndpoint,
      tokenUrl: metadata.tokenEndpoint,
      scopes: provider.scopes,
      codeChallengeMethods: metadata.codeChallengeMethods,
      authentication: authenticationOf(provider, metadata),
      authorizationParameters: provider.authUrlParams,
      usesNonce: true,
    }
  }

  /**
   * Checks an ID token (ID-158, ID-159): signature, issuer, audience, time, and the nonce where one is given.
   *
   * @throws ApiError 400.
   */
  async verifyIdToken(
    idToken: string | undefined,
    nonce: string | undefined,
  ): Promise<{ readonly issuer: string; readonly subject: string; readonly claims: Claims }> {
    if (idToken === undefined)
      throw badRequest('No id_token in response payload. Ensure OIDC callback is configured correctly!')
    const claims = await this.#verify(idToken, this.#provider.clientId)
    // Of several audiences one is the client that the token was made for.
    if (Array.isArray(claims.aud) && claims.aud.length > 1 && claims.azp !== this.#provider.clientId)
      throw unverified('"azp" is another client')
    if (nonce !== undefined && claims.nonce !== nonce) throw unverified('"nonce" is of another sign-in')
    if (claims.sub === undefined || claims.sub === '')
      throw badRequest('OIDC token missing "sub" claim.', { detail: 'The "sub" claim is required.' })
    return { issuer: claims.iss ?? '', subject: claims.sub, claims }
  }

  /**
   * Checks a logout token (section 2.6). Whether it was used before is not known here.
   *
   * @throws ApiError 400, and 500 when the issuer cannot be asked.
   */
  async verifyLogoutToken(token: string): Promise<LogoutToken> {
    const now = this.#context.clock.now()
    requireLogoutType(token, this.#provider)
    const claims = await this.#verify(token, this.#provider.clientId)
    const { iss: issuer, sub: subject, sid, iat, jti: id, events } = claims
    if (issuer === undefined) throw unverified('"iss" is missing')
    if (iat === undefined || iat > now.getTime() / 1000 + CLOCK_TOLERANCE)
      throw unverified('"iat" is missing or in the future')
    if (iat < now.getTime() / 1000 - LOGOUT_AGE) throw unverified('the token is too old')
    if (typeof id !== 'string' || id === '') throw unverified('"jti" is missing')
    if (typeof events !== 'object' || events === null || !isObject(Object(events)[LOGOUT_EVENT]))
      throw unverified('"events" does not say that this is a logout')
    // An ID token with the rest added must not pass for one of these.
    if ('nonce' in claims) throw unverified('"nonce" is not allowed')
    if (subject !== undefined && (typeof subject !== 'string' || subject === ''))
      throw unverified('"sub" is no text')
    if (sid !== undefined && (typeof sid !== 'string' || sid === '')) throw unverified('"sid" is no text')
    if (subject === undefined && sid === undefined) throw unverified('neither "sub" nor "sid" is there')
    const expiresAt = new Date((iat + LOGOUT_AGE + CLOCK_TOLERANCE) * 1000)
    return { issuer, subject, sid, id, expiresAt }
  }

  /** Claims of an access token that is a JWT (ID-160). @throws ApiError 400. */
  verifyAccessToken(accessToken: string): Promise<Claims> {
    return this.#verify(accessToken, undefined)
  }

  /**
   * What the userinfo endpoint says (OpenID Connect Core section 5.3); nothing, with a warning, when the issuer has none.
   *
   * @throws ApiError 500 when it fails or speaks of somebody else.
   */
  async userinfo(accessToken: string, subject: string): Promise<Claims> {
    const { userinfoEndpoint } = await this.metadata()
    if (userinfoEndpoint === undefined) {
      this.#context.log.warn(
        'the identity provider has no userinfo endpoint; claims are of the ID token only',
        {
          provider: this.#provider.id,
        },
      )
      return {}
    }
    const failed = (cause: unknown): ApiError =>
      new ApiError(500, 'Failed to obtain user information claims.', {
        detail: 'The userinfo endpoint of the identity provider did not answer as it should.',
        cause,
      })
    let claims: Claims
    try {
      const response = await this.#context.outbound.fetch(
        { name: this.#provider.id, source: 'UserInfo' },
        userinfoEndpoint,
        { headers: { Authorization: `Bearer ${accessToken}`, Accept: 'application/json' } },
      )
      if (!response.ok) throw new Error(`the userinfo endpoint answered ${response.status}`)
      const text = await response.text()
      claims = /^application\/jwt/i.test(response.headers.get('content-type') ?? '')
        ? await this.#verify(text, this.#provider.clientId)
        : recordOf(JSON.parse(text))
    } catch (error) {
      throw failed(error)
    }
    // Section 5.3.2: an answer about another person must not be used.
    if (claims.sub !== undefined && claims.sub !== subject)
      throw failed(new Error('the userinfo endpoint speaks of another subject'))
    return claims
  }

  async #verify(token: string, audience: string | undefined): Promise<JWTPayload> {
    const { issuer, keys, signingAlgorithms } = await this.metadata()
    try {
      const { payload } = await jwtVerify(token, keys, {
        algorithms: [...signingAlgorithms],
        clockTolerance: CLOCK_TOLERANCE,
        currentDate: this.#context.clock.now(),
        requiredClaims: ['exp'],
        ...(this.#provider.skipIssuerChecks ? {} : { issuer }),
        ...(audience === undefined ? {} : { audience }),
      })
      return payload
    } catch (error) {
      if (areKeysUnreadable(error))
        throw new ApiError(500, 'Failed to verify OIDC token.', {
          detail: 'The keys of the identity provider cannot be read right now.',
          cause: error,
        })
      if (error instanceof joseErrors.JOSEError)
        throw unverified(`${error.message} (${describe(token)})`, error)
      throw error
    }
  }

  async #discover(): Promise<Metadata> {
    const { issuerUrl, id, skipIssuerChecks } = this.#provider
    const address = `${issuerUrl.replace(/\/$/, '')}/.well-known/openid-configuration`
    const response = await this.#context.outbound.fetch(
      { name: id, source: 'Discovery', followRedirects: true },
      address,
      {
        headers: { Accept: 'application/json' },
        signal: this.#signal,
      },
    )
    if (!response.ok) throw new Error(`${address} answered ${response.status}`)
    const document = recordOf(JSON.parse(await response.text()))
    const issuer = textOf(document, 'issuer')
    // The slash of a bare host is lost where settings are read.
    if (issuer.replace(/\/$/, '') !== issuerUrl.replace(/\/$/, '') && !skipIssuerChecks)
      throw new Error(
        `${address} is of the issuer ${JSON.stringify(issuer)} and not of ${JSON.stringify(issuerUrl)}`,
      )
    const secure = issuerUrl.startsWith('https:')
    const endpoint = (name: string): string | undefined => {
      const value = textOf(document, name)
      if (value === '') return undefined
      if (!URL.canParse(value) || (secure && !value.startsWith('https:')))
        throw new Error(`${address} names ${JSON.stringify(value)} as ${name}, which is no https address`)
      return value
    }
    const required = (name: string): string => {
      const value = endpoint(name)
      if (value === undefined) throw new Error(`${address} names no ${name}`)
      return value
    }
    const algorithms = listOf(document, 'id_token_signing_alg_values_supported').filter((name) =>
      ASYMMETRIC.has(name),
    )
    return {
      issuer,
      authorizationEndpoint: required('authorization_endpoint'),
      tokenEndpoint: required('token_endpoint'),
      userinfoEndpoint: endpoint('userinfo_endpoint'),
      endSessionEndpoint: endpoint('end_session_endpoint'),
      codeChallengeMethods: listOf(document, 'code_challenge_methods_supported'),
      tokenAuthMethods: listOf(document, 'token_endpoint_auth_methods_supported'),
      signingAlgorithms: algorithms.length === 0 ? ['RS256'] : algorithms,
      keys: createRemoteJWKSet(new URL(required('jwks_uri')), {
        cooldownDuration: 5_000,
        [customFetch]: (url, init) => this.#context.outbound.fetch({ name: id, source: 'Keys' }, url, init),
      }),
    }
  }
}

/** By the key, else by the way that the issuer takes secrets; a header where it does not say (RFC 8414 section 2). */
function authenticationOf(provider: OidcProvider, { tokenAuthMethods }: Metadata): ClientAuthentication {
  if (provider.clientKey !== undefined) return { method: 'private_key_jwt', ...provider.clientKey }
  if (provider.clientSecret === '') return { method: 'none' }
  const post =
    tokenAuthMethods.includes('client_secret_post') && !tokenAuthMethods.includes('client_secret_basic')
  return { method: post ? 'client_secret_post' : 'client_secret_basic', secret: provider.clientSecret }
}

/** Whether the issuer did not give its keys, which says nothing about the token. */
function areKeysUnreadable(error: unknown): boolean {
  return (
    error instanceof OutboundError ||
    error instanceof joseErrors.JWKSTimeout ||
    error instanceof joseErrors.JWKSInvalid ||
    // What jose throws for a status other than 200 and for what is no JSON.
    (error instanceof joseErrors.JOSEError && error.code === joseErrors.JOSEError.code)
  )
}

/** What anybody can see of a token, before the issuer is asked for anything. @throws ApiError 400. */
function requireLogoutType(token: string, { issuerUrl, skipIssuerChecks }: OidcProvider): void {
  let issuer: string | undefined
  let type: string | undefined
  try {
    issuer = decodeJwt(token).iss
    type = decodeProtectedHeader(token).typ
  } catch {
    throw unverified('the logout token is no JWT')
  }
  if (type !== undefined && !LOGOUT_TYPES.includes(String(type).toLowerCase()))
    throw unverified('"typ" is of another kind of token')
  if (!skipIssuerChecks && String(issuer).replace(/\/$/, '') !== issuerUrl.replace(/\/$/, ''))
    throw unverified('"iss" is another issuer')
}

function isObject(value: unknown): boolean {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

function unverified(detail: string, cause?: unknown): ApiError {
  return badRequest('Failed to verify OIDC token.', { detail, cause })
}

/** Says which token it was without showing it. */
function describe(token: string): string {
  try {
    const { alg, kid } = decodeProtectedHeader(token)
    return `alg ${alg ?? 'none'}, kid ${kid ?? 'none'}`
  } catch {
    return 'no JWT'
  }
}

function recordOf(value: unknown): Readonly<Record<string, unknown>> {
  if (typeof value !== 'object' || value === null || Array.isArray(value))
    throw new Error('not a JSON object')
  return { ...value }
}

function textOf(document: Readonly<Record<string, unknown>>, name: string): string {
  const value = document[name]
  return typeof value === 'string' ? value : ''
}

function listOf(document: Readonly<Record<string, unknown>>, name: string): string[] {
  const value = document[name]
  return Array.isArray(value) ? value.filter((entry) => typeof entry === 'string') : []
}
