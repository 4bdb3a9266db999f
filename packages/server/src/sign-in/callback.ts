import type { FastifyReply, FastifyRequest } from 'fastify'

import { describeError } from '@slipway/request-log'
import { audited } from '../audit/index.ts'
import type { AppContext, Db } from '../context.ts'
import { type RequestContext, sendErrorPage, sessionCookieName, setCookie } from '../edge/index.ts'
import { ApiError, badRequest, notFound } from '../errors/index.ts'
import { type KeyValidator, openSession } from '../identity/index.ts'
import { announceAccounts } from '../notifications/index.ts'
import { type FlowResult, followFlow, type RedirectTarget, requireBegun } from '../oauth-flow/index.ts'
import { signIn } from './actor.ts'
import { CONVERSION_COOKIE, isConversionState, openConversion } from './conversion.ts'
import { convertToProvider } from './convert-account.ts'
import { sealIdToken } from './end-session.ts'
import { type Arrival, type EnterParts, enter } from './enter.ts'
import { githubFlowClient } from './github-api.ts'
import { githubArrival } from './github-arrival.ts'
import { callbackUrl } from './manage-providers.ts'
import { oidcArrival } from './oidc-arrival.ts'
import { requireGoodEmail } from './oidc-profile.ts'
import { callbackPath, linkProvider, type SignInProvider } from './provider.ts'
import { type ExplainSync, finishTest, requirePendingTest, testOfState, testState } from './provider-tests.ts'
import type { Providers } from './providers.ts'
import { GithubRefused, SignInRefused } from './sign-in-error.ts'
import { insertOidcSession } from './store/oidc-sessions.ts'

/** Everything that a callback works with. */
export interface SignInParts extends EnterParts {
  readonly context: AppContext
  readonly providers: Providers
  readonly keys: Pick<KeyValidator, 'drop'>
  readonly explainSync: ExplainSync
  /** Ends a session. */
  readonly endSession: (userId: string, keyId: string) => Promise<void>
}

/** A request to a callback. */
export interface CallbackRequest {
  readonly context: RequestContext
  readonly query: {
    readonly code?: string | undefined
    readonly state?: string | undefined
    readonly redirect?: string | undefined
    readonly error?: string | undefined
    readonly error_description?: string | undefined
    readonly error_uri?: string | undefined
    readonly iss?: string | undefined
    readonly oidc_merge_state?: string | undefined
    readonly test?: string | undefined
  }
  readonly raw: FastifyRequest
  readonly reply: FastifyReply
}

const YEAR_SECONDS = 31_536_000
const KEY_LOGIN = { type: 'api_key', action: 'login' } as const

type DeviceAnswer = { readonly redirect_url: string }

/**
 * Answers the callback of a provider, where sign-ins, conversions and tests start and return (ID §10). Refusals are pages
 * for people; whoever does not ask for HTML gets the JSON envelope.
 *
 * @returns what a page that polls a device flow goes on with; undefined when the answer has been sent.
 * @throws ApiError
 */
export async function answerCallback(
  parts: SignInParts,
  provider: SignInProvider | undefined,
  request: CallbackRequest,
): Promise<DeviceAnswer | undefined> {
  try {
    return await answer(parts, provider, request)
  } catch (error) {
    if (!(error instanceof ApiError)) throw error
    if (!showError(parts.context, error, provider, request)) throw error
    return undefined
  }
}

async function answer(
  parts: SignInParts,
  provider: SignInProvider | undefined,
  request: CallbackRequest,
): Promise<DeviceAnswer | undefined> {
  if (provider === undefined) throw badRequest('The oauth2 method requested is not configured!')
  const { query } = request
  const state = query.state ?? ''
  // What a flow is for says its start; whoever comes back is held to the state that it was given then.
  const starts = state === '' && !query.code
  const test = starts ? query.test : testOfState(state)
  if (test !== undefined) return answerTest(parts, provider, request, test)
  // Only tests reach one that is disabled.
  if (!provider.enabled) throw badRequest('The oauth2 method requested is not configured!')
  const merge = starts ? query.oidc_merge_state : isConversionState(state) ? state : undefined
  if (merge !== undefined) return answerConversion(parts, provider, request, merge)
  const flow = await runFlow(parts, provider, request, undefined)
  if (flow === undefined) return undefined
  try {
    await signInWith(parts, provider, request, flow)
  } catch (error) {
    if (error instanceof GithubRefused) error.redirect = flow.redirect
    throw error
  }
  return goOn(provider, request, flow.redirect)
}

/** ID-166. */
async function signInWith(
  parts: SignInParts,
  provider: SignInProvider,
  request: CallbackRequest,
  flow: FlowResult,
): Promise<void> {
  const { context } = parts
  const { raw, reply } = request
  // What is recorded is the status of the answer.
  reply.code(307)
  await audited(context, request, KEY_LOGIN, async (draft) => {
    const arrival = await arrive(parts, provider, flow)
    if (provider.kind === 'oidc') requireGoodEmail(provider, arrival.profile)
    const { user, isNew } = await enter(context, arrival, parts, (found) => {
      draft.user = found
      draft.resourceId = found.id
    })
    draft.user = user
    draft.resourceId = user.id
    if (isNew) {
      draft.action = 'register'
      await announceAccounts(context)({ kind: 'created', user })
    }
    const { token } = await openSession(context, request.context, user, {
      loginType: provider.kind,
      userAgent: raw.headers['user-agent'] ?? '',
      record: recordUpstream(context, provider, arrival),
    })
    parts.keys.drop(user.id)
    // A session that the browser had before is not continued: the cookie is a new one, whatever it was.
    reply.header(
      'Set-Cookie',
      setCookie(sessionCookieName(context.cookies), token, context.cookies, { maxAge: YEAR_SECONDS }),
    )
  })
}

/** Which session of the provider this is, so that the provider can end it (ID-220). */
function recordUpstream(
  context: AppContext,
  provider: SignInProvider,
  { claims, tokens }: Arrival,
): ((tx: Db, keyId: string) => Promise<void>) | undefined {
  const { iss, sub, sid } = claims.id_token_claims
  if (provider.kind !== 'oidc' || typeof iss !== 'string' || typeof sub !== 'string') return undefined
  return (tx, keyId) =>
    insertOidcSession(signIn, tx, keyId, {
      issuer: iss,
      subject: sub,
      sid: typeof sid === 'string' ? sid : undefined,
      provider: linkProvider(provider),
      idToken: provider.rpInitiatedLogout ? sealIdToken(context, keyId, tokens.idToken) : undefined,
    })
}

/** ID-177: both halves of a conversion; the cookie is deleted whatever comes of the second one. */
async function answerConversion(
  parts: SignInParts,
  provider: SignInProvider,
  request: CallbackRequest,
  state: string,
): Promise<DeviceAnswer | undefined> {
  const { context, keys } = parts
  const { query, raw, reply } = request
  const opened = () =>
    openConversion(context, raw.cookieValues[CONVERSION_COOKIE], { state, to: provider.kind })
  const forget = () =>
    reply.header('Set-Cookie', setCookie(CONVERSION_COOKIE, '', context.cookies, { maxAge: -1 }))
  if (!query.code && !query.error) await opened()
  // A page that polls asks again with the same cookie.
  else if (provider.kind !== 'github' || !provider.deviceFlow) forget()
  const flow = await runFlow(parts, provider, request, state)
  if (flow === undefined) return undefined
  forget()
  reply.code(307)
  await audited(context, request, { type: 'convert_login', action: 'write' }, async (draft) => {
    const { precheck } = request.context
    if (precheck.ok) {
      draft.user = precheck.owner
      draft.resourceId = precheck.owner.id
      draft.target = precheck.owner.username
    }
    const conversion = await opened()
    const arrival = await arrive(parts, provider, flow)
    if (provider.kind === 'oidc') requireGoodEmail(provider, arrival.profile)
    const user = await convertToProvider(context, conversion, arrival, (found) => {
      draft.user = found
      draft.resourceId = found.id
      draft.target = found.username
    })
    if (precheck.ok && precheck.key.userId === user.id) await parts.endSession(user.id, precheck.key.id)
    keys.drop(user.id)
    reply.header(
      'Set-Cookie',
      setCookie(sessionCookieName(context.cookies), '', context.cookies, { maxAge: -1 }),
    )
  })
  const message = `Your account signs in with ${provider.kind === 'oidc' ? 'OpenID Connect' : 'GitHub'} now. Sign in again.`
  return goOn(provider, request, `/login?${new URLSearchParams({ message, redirect: flow.redirect })}`)
}

/** L-29: a test changes nobody's account and gives no session; only who began it may end it. */
async function answerTest(
  parts: SignInParts,
  provider: SignInProvider,
  request: CallbackRequest,
  id: string,
): Promise<DeviceAnswer | undefined> {
  const { context, explainSync } = parts
  const { precheck } = request.context
  if (!precheck.ok || precheck.owner.status !== 'active') throw notFound()
  const { actor } = precheck
  await requirePendingTest(context, actor, provider, id)
  const flow = await runFlow(parts, provider, request, testState(id), (failure) =>
    finishTest(context, actor, id, () => Promise.reject(failure), explainSync),
  )
  if (flow === undefined) return undefined
  await finishTest(context, actor, id, () => arrive(parts, provider, flow), explainSync)
  return goOn(provider, request, flow.redirect)
}

/** Sends people to the provider or takes them back (ID-151…ID-156). @throws ApiError */
async function runFlow(
  { context, providers }: SignInParts,
  provider: SignInProvider,
  request: CallbackRequest,
  state: string | undefined,
  failed: (error: ApiError) => Promise<void> = async () => undefined,
): Promise<FlowResult | undefined> {
  try {
    if (provider.kind === 'github')
      return await followFlow(context, githubFlowClient(provider), request, {
        redirect: { kind: 'fixed', uri: callbackUrl(context, provider) },
        state,
      })
    requireBegun(request)
    const issuer = providers.issuerOf(provider)
    await requireSameIssuer(issuer, request)
    return await followFlow(context, await issuer.flowClient(), request, {
      redirect: redirectTarget(context, provider),
      state,
    })
  } catch (error) {
    // Whoever has no part in the flow must not end it.
    if (error instanceof ApiError && error.status !== 401) await failed(error)
    throw error
  }
}

/** RFC 9207: an answer of another issuer than the one that was asked. @throws ApiError 400. */
async function requireSameIssuer(
  issuer: ReturnType<Providers['issuerOf']>,
  { query }: CallbackRequest,
): Promise<void> {
  if (query.iss === undefined || query.iss === (await issuer.metadata()).issuer) return
  throw badRequest('The answer is of another identity provider than the one that was asked.')
}

/** ID-156. */
function redirectTarget(
  context: AppContext,
  provider: Extract<SignInProvider, { kind: 'oidc' }>,
): RedirectTarget {
  return provider.redirectUrl === '' && provider.redirectAllowedHosts.length > 0
    ? { kind: 'hosts', allowed: provider.redirectAllowedHosts, path: callbackPath(provider) }
    : { kind: 'fixed', uri: callbackUrl(context, provider) }
}

function arrive(
  { context, providers }: SignInParts,
  provider: SignInProvider,
  flow: FlowResult,
): Promise<Arrival> {
  return provider.kind === 'oidc'
    ? oidcArrival(context, providers.issuerOf(provider), provider, flow)
    : githubArrival(context, provider, flow.tokens)
}

/** On to a local path; a page that polls goes there by itself (ID-174). */
async function goOn(
  provider: SignInProvider,
  { reply }: CallbackRequest,
  redirect: string,
): Promise<DeviceAnswer | undefined> {
  if (provider.kind === 'github' && provider.deviceFlow) {
    reply.code(200)
    return { redirect_url: redirect }
  }
  await reply.code(307).header('Location', redirect).send()
  return undefined
}

/** Answers with a page where a person reads it; false when the envelope is to be sent. */
function showError(
  { log }: AppContext,
  error: ApiError,
  provider: SignInProvider | undefined,
  { context, raw, reply }: CallbackRequest,
): boolean {
  const accept = raw.headers.accept ?? ''
  // Its page asks by itself and shows what it is told.
  if (provider?.kind === 'github' && provider.deviceFlow) return false
  if (error instanceof GithubRefused) {
    const target = `/login?${new URLSearchParams({ message: error.explanation, redirect: error.redirect })}`
    reply.header('Location', target)
    showPage(reply, { ...titleOf(error), message: error.explanation }, target)
    return true
  }
  const refusal = error instanceof SignInRefused && !/\bapplication\/json\b/i.test(accept)
  if (!refusal && !accept.includes('text/html')) return false
  if (error.status >= 500) {
    log.warn('a sign-in failed', { request_id: context.id, stack: describeError(error.cause ?? error) })
    context.logFields.response_body = error.message
  }
  const reference = error.status >= 500 ? ` Reference: ${context.id}` : ''
  const message = `${error.detail ?? ''}${reference}`.trim()
  const isMarkdown = error instanceof SignInRefused && error.isMarkdown
  showPage(reply, { ...titleOf(error), message, isMarkdown }, '/login')
  return true
}

const titleOf = ({ status, message }: ApiError) => ({ status, title: message })

function showPage(
  reply: FastifyReply,
  page: Omit<Parameters<typeof sendErrorPage>[1], 'next'>,
  href: string,
): void {
  sendErrorPage(reply, { ...page, next: { label: 'Back to sign-in', href } })
}
