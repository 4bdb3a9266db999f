import { createHash, randomBytes, timingSafeEqual } from 'node:crypto'

import type { FastifyReply, FastifyRequest } from 'fastify'

import type { AppContext } from '../context.ts'
import { setCookie } from '../edge/index.ts'
import { ApiError, badRequest } from '../errors/index.ts'
import { localRedirect } from './local-redirect.ts'
import {
  exchangeCode,
  exchangeDeviceCode,
  type TokenClient,
  TokenEndpointError,
  type TokenSet,
} from './token-endpoint.ts'

const STATE = 'oauth_state'
const REDIRECT = 'oauth_redirect'
const VERIFIER = 'oauth_pkce_verifier'
const REDIRECT_URI = 'oauth_redirect_uri'

const STATE_LENGTH = 32
const DEVICE_LOGIN_PAGE = '/login/device'
const PENDING = 'authorization_pending'

/** A provider as the flow sees it (ID §10). */
export interface FlowClient extends TokenClient {
  readonly authorizationUrl: string
  readonly scopes: readonly string[]
  /** Methods that the provider knows; only `S256` is ever used (ID-154). */
  readonly codeChallengeMethods: readonly string[]
  /** Further parameters of the authorization request. */
  readonly authorizationParameters: Readonly<Record<string, string>>
  /** Binds an ID token to this sign-in (OpenID Connect Core section 3.1.2.1). */
  readonly usesNonce?: boolean
  /** The person types a code at the provider, and `code` of the callback is the device code (RFC 8628, ID-174). */
  readonly device?: boolean
  /** What the page that shows the code must know beside the state. */
  readonly deviceParameters?: Readonly<Record<string, string>>
}

/** Where the provider sends people back to. */
export type RedirectTarget =
  /** Always the same address. */
  | { readonly kind: 'fixed'; readonly uri: string }
  /** The host that the person came by, where it is one of these (ID-156). */
  | { readonly kind: 'hosts'; readonly allowed: readonly string[]; readonly path: string }

/** Parameters of the callback, which is where a flow starts and where it returns to. */
export interface FlowQuery {
  readonly code?: string | undefined
  readonly state?: string | undefined
  readonly redirect?: string | undefined
  readonly error?: string | undefined
  readonly error_description?: string | undefined
  readonly error_uri?: string | undefined
}

/** The request of a callback. */
export interface FlowRequest {
  readonly query: FlowQuery
  readonly raw: FastifyRequest
  readonly reply: FastifyReply
}

/** Somebody who has come back from the provider. */
export interface FlowResult {
  readonly tokens: TokenSet
  readonly state: string
  /** What the ID token must name, where the client uses one. */
  readonly nonce: string
  /** Local path to go on to (ID-155). */
  readonly redirect: string
}

/**
 * Answers a callback: sends a person without a code to the provider, and redeems the code of one who comes back
 * (ID-151…ID-156). State, PKCE verifier and what belongs to them are in cookies of the person's browser and nowhere else;
 * they are deleted when the code has been redeemed.
 *
 * @param options.state in place of a random one, for a flow that is a part of something larger (ID-152).
 * @returns what the provider gave; undefined when the answer, a redirect to the provider, has been sent.
 * @throws ApiError as ID-151 and ID-153 say.
 */
export async function followFlow(
  context: AppContext,
  client: FlowClient | undefined,
  request: FlowRequest,
  options: { readonly redirect: RedirectTarget; readonly state?: string | undefined },
): Promise<FlowResult | undefined> {
  if (client === undefined) throw badRequest('The oauth2 method requested is not configured!')
  const { query } = request
  if (query.error) throw refusedByProvider(query.error, query)
  const redirectUri = redirectUriOf(context, request, options.redirect)
  if (!query.code) {
    await start(context, client, request, redirectUri, options)
    return undefined
  }
  return finish(context, client, request, redirectUri, options.redirect, query.code)
}

/**
 * Refuses whoever comes back from a provider without having been sent there from here, before the provider is asked for
 * anything on their behalf. A flow that only starts passes.
 *
 * @throws ApiError as {@link followFlow} does.
 */
export function requireBegun({ query, raw }: Pick<FlowRequest, 'query' | 'raw'>): void {
  const state = query.state ?? ''
  const begun = state !== '' && sameText(cookieOf(raw, STATE), state)
  if (query.error && !begun) throw refusedByProvider(query.error, query)
  if (query.code) requireState(raw, state)
}

/** @throws ApiError 400, 401. */
function requireState(raw: FastifyRequest, state: string): void {
  if (state === '') throw badRequest('State must be provided.')
  const expected = cookieOf(raw, STATE)
  if (expected === '') throw new ApiError(401, `Cookie "${STATE}" must be provided.`)
  if (!sameText(expected, state)) throw new ApiError(401, 'State mismatched.')
}

function cookieOf(raw: FastifyRequest, name: string): string {
  return decoded(raw.cookieValues[name] ?? '')
}

/** The error page of a provider, in its own words and cut to what a person reads (RFC 6749 section 4.1.2.1). */
function refusedByProvider(error: string, query: FlowQuery): ApiError {
  const parts = [query.error_description, query.error_uri && `error_uri: ${query.error_uri}`].filter(
    (part) => part !== undefined && part !== '',
  )
  return badRequest(`Encountered error in oidc process: ${error.slice(0, 400)}`, {
    detail: parts.length === 0 ? undefined : parts.join(', ').slice(0, 1000),
  })
}

async function start(
  context: AppContext,
  client: FlowClient,
  { query, reply }: FlowRequest,
  redirectUri: string,
  options: { readonly redirect: RedirectTarget; readonly state?: string | undefined },
): Promise<void> {
  const state = options.state ?? randomBytes(STATE_LENGTH / 2).toString('hex')
  const put = (name: string, value: string) =>
    reply.header('Set-Cookie', setCookie(name, encodeURIComponent(value), context.cookies))
  put(STATE, state)
  // Written even when it is empty, so that one of an earlier try does not apply.
  put(REDIRECT, localRedirect(query.redirect))
  put(REDIRECT_URI, redirectUri)
  if (client.device === true) {
    reply
      .code(307)
      .header(
        'Location',
        `${DEVICE_LOGIN_PAGE}?${new URLSearchParams({ state, ...client.deviceParameters })}`,
      )
    await reply.send()
    return
  }
  const target = new URL(client.authorizationUrl)
  const parameters: Record<string, string> = {
    access_type: 'offline',
    ...client.authorizationParameters,
    response_type: 'code',
    client_id: client.clientId,
    redirect_uri: redirectUri,
    state,
    ...(client.scopes.length === 0 ? {} : { scope: client.scopes.join(' ') }),
    ...(client.usesNonce === true ? { nonce: nonceOf(state) } : {}),
  }
  if (usesPkce(client)) {
    const verifier = randomBytes(32).toString('base64url')
    put(VERIFIER, verifier)
    parameters.code_challenge = sha256(verifier)
    parameters.code_challenge_method = 'S256'
  }
  for (const [name, value] of Object.entries(parameters)) target.searchParams.set(name, value)
  reply.code(307).header('Location', target.href)
  await reply.send()
}

async function finish(
  context: AppContext,
  client: FlowClient,
  { query, raw, reply }: FlowRequest,
  redirectUri: string,
  target: RedirectTarget,
  code: string,
): Promise<FlowResult> {
  const cookie = (name: string): string => cookieOf(raw, name)
  const state = query.state ?? ''
  requireState(raw, state)
  const startedFor = cookie(REDIRECT_URI)
  // Each provider has an address of its own, so that none ends what was begun at another one, whose state it has seen
  // (RFC 9700 section 4.4). Only where no browser has kept the cookies is it missing.
  if (target.kind === 'fixed' && startedFor !== '' && startedFor !== redirectUri)
    throw new ApiError(401, 'State mismatched.')
  const verifier = usesPkce(client) && client.device !== true ? cookie(VERIFIER) : undefined
  if (verifier === '') throw badRequest('PKCE challenge must be provided.')
  if (target.kind === 'hosts' && startedFor !== redirectUri)
    throw badRequest('The sign-in was started on another host than it returns to. Start it again.')
  const tokens = await redeem(context, client, code, redirectUri, verifier)
  for (const name of [STATE, REDIRECT, VERIFIER, REDIRECT_URI])
    reply.header('Set-Cookie', setCookie(name, '', context.cookies, { maxAge: -1 }))
  // What a cookie says is checked again: another site below our host may have set it.
  return { tokens, state, nonce: nonceOf(state), redirect: localRedirect(cookie(REDIRECT)) }
}

async function redeem(
  context: AppContext,
  client: FlowClient,
  code: string,
  redirectUri: string,
  codeVerifier: string | undefined,
): Promise<TokenSet> {
  const { outbound, clock } = context
  try {
    return client.device === true
      ? await exchangeDeviceCode(outbound, client, code, clock.now())
      : await exchangeCode(outbound, client, { code, redirectUri, codeVerifier }, clock.now())
  } catch (error) {
    if (!(error instanceof TokenEndpointError)) throw error
    if (error.code === PENDING)
      throw badRequest('Failed exchanging Oauth code.', { detail: PENDING, cause: error })
    throw new ApiError(500, 'Failed exchanging Oauth code.', { detail: error.message, cause: error })
  }
}

/** ID-156. @throws ApiError 400 for a host that is not allowed. */
function redirectUriOf(context: AppContext, { raw }: FlowRequest, target: RedirectTarget): string {
  if (target.kind === 'fixed') return target.uri
  const { host } = raw.context
  const scheme = new URL(context.accessUrl()).protocol
  const name = hostName(host)
  if (name === undefined || !target.allowed.some((allowed) => hostName(allowed) === name))
    throw badRequest('OIDC login is not permitted from this host.')
  return `${scheme}//${host}${target.path}`
}

/** A host as browsers spell it, without its port; undefined for what is more than a host. */
function hostName(host: string): string | undefined {
  if (/[/\\?#@\s]/.test(host) || !URL.canParse(`https://${host}`)) return undefined
  return new URL(`https://${host}`).hostname
}

function usesPkce({ codeChallengeMethods }: FlowClient): boolean {
  return codeChallengeMethods.includes('S256')
}

/** Only the browser that holds the state can know it, so it needs no cookie of its own. */
function nonceOf(state: string): string {
  return sha256(`nonce ${state}`)
}

function sha256(text: string): string {
  return createHash('sha256').update(text).digest('base64url')
}

function sameText(left: string, right: string): boolean {
  return timingSafeEqual(Buffer.from(sha256(left)), Buffer.from(sha256(right)))
}

function decoded(value: string): string {
  try {
    return decodeURIComponent(value)
  } catch {
    return ''
  }
}
