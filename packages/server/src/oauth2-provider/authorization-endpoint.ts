import { createHash } from 'node:crypto'

import { describeError } from '@slipway/request-log'
import { audited } from '../audit/index.ts'
import { actorForUser, systemActor } from '../authz/index.ts'
import {
  type Accepted,
  baseUrl,
  CSRF_COOKIE,
  type Incoming,
  isCsrfCookie,
  maskCsrfToken,
  newCsrfCookie,
  pageSession,
  sessionCookieName,
  setCookie,
} from '../edge/index.ts'
import {
  ApiError,
  forbidden,
  invalidClient,
  invalidOAuthRequest,
  isDatabaseFault,
  OAuthError,
} from '../errors/index.ts'
import { deleteKeysOfUser } from '../identity/index.ts'
import {
  ClientDocumentUnreached,
  issuerOf,
  markClientAuthorized,
  newOAuthSecret,
  type OAuthClient,
  readOAuthSettings,
} from '../oauth2-clients/index.ts'
import { recordEvent } from './audit-events.ts'
import {
  type AuthorizationRequest,
  type ReadRequest,
  readAuthorizationRequest,
} from './authorization-request.ts'
import { sendConsentPage } from './consent-page.ts'
import {
  invalidParameters,
  sendFaultPage,
  UNKNOWN_CLIENT,
  UNSAFE_CALLBACK,
  UNSUPPORTED_RESPONSE_TYPE,
  unreachedDocument,
} from './fault-page.ts'
import { isOAuthToken, mayGrant, remembers } from './may-grant.ts'
import { formOf, single } from './parameters.ts'
import type { ProviderParts } from './parts.ts'
import { openReference, takeReference, unsupportedResponseType } from './pushed-requests.ts'
import { redirectWith } from './redirect.ts'
import { replaceCode } from './store/codes.ts'
import { hasConsented, rememberConsent } from './store/consents.ts'

/** How long a code can be redeemed, in milliseconds (OA-49). */
const CODE_MS = 10 * 60_000

const actor = systemActor('system_oauth', 'what a client asks for is read before its user has answered')

type Visit = Pick<Incoming<never>, 'context' | 'raw' | 'reply'>

/** Who is asked, by whom and what for, once all of that is known. */
interface Asked {
  readonly client: OAuthClient
  readonly accepted: Accepted
  readonly read: ReadRequest
  /** Of a pushed request (RFC 9126). */
  readonly reference: string | undefined
}

/** What a request for authorization came to before it could be read. */
type Arrival =
  | { readonly kind: 'asked'; readonly asked: Asked }
  /** Sign in first, there. */
  | { readonly kind: 'stranger'; readonly location: string }
  | { readonly kind: 'faulty'; readonly faults: readonly string[] }
  /** The client is known, where to answer it too, and then we have failed. */
  | { readonly kind: 'failed'; readonly error: unknown; readonly request: AuthorizationRequest }

/** The authorization endpoint: asks users, and tells clients what they have decided (chapter 03, section 8). */
export class AuthorizationEndpoint {
  readonly #parts: ProviderParts

  constructor(parts: ProviderParts) {
    this.#parts = parts
  }

  /** Shows the consent page, or what is wrong; people read it (OA-47, OA-B11). @throws OAuthError 400 without a client. */
  async show(visit: Visit): Promise<undefined> {
    const { reply } = visit
    const client = await this.#clientOfPage(visit)
    if (client === undefined) return
    const arrival = await this.#arrive(visit, client)
    if (arrival.kind === 'stranger') return redirect(visit, 303, arrival.location)
    if (arrival.kind === 'faulty') return void sendFaultPage(reply, invalidParameters(arrival.faults))
    if (arrival.kind === 'failed') return this.#tellFailure(visit, arrival.request, arrival.error)
    const { asked } = arrival
    if (isOAuthToken(asked.accepted)) {
      const message =
        'An app cannot authorize another app in your name. Sign in with your browser to do that.'
      return void sendFaultPage(reply, { status: 403, title: 'Not allowed', message })
    }
    switch (asked.read.kind) {
      case 'faulty':
        return void sendFaultPage(reply, invalidParameters(asked.read.faults))
      case 'unsupported-response-type':
        return void sendFaultPage(reply, UNSUPPORTED_RESPONSE_TYPE)
      case 'unsafe-callback':
        return void sendFaultPage(reply, UNSAFE_CALLBACK)
      case 'refused':
        return this.#refuse(visit, asked.read)
      case 'request':
        return this.#ask(visit, asked, asked.read.request).catch(this.#failing(visit, asked.read.request))
    }
  }

  /** Takes the decision of a form or of a program (OA-49, OA-51). @throws OAuthError, ApiError 403. */
  async decide(visit: Visit, bytes: Buffer): Promise<undefined> {
    const client = await this.#parts.clients.find(requiredClientId(visit), visit.context.remoteAddress)
    if (client === undefined) throw invalidClient()
    const arrival = await this.#arrive(visit, client)
    if (arrival.kind === 'stranger') return redirect(visit, 303, arrival.location)
    if (arrival.kind === 'faulty') throw invalidParametersError(arrival.faults)
    if (arrival.kind === 'failed') return this.#tellFailure(visit, arrival.request, arrival.error)
    const { asked } = arrival
    if (isOAuthToken(asked.accepted))
      throw new OAuthError(403, 'access_denied', 'A token of an app cannot authorize an app')
    switch (asked.read.kind) {
      case 'faulty':
        throw invalidParametersError(asked.read.faults)
      case 'unsupported-response-type':
        throw unsupportedResponseType()
      case 'unsafe-callback':
        throw invalidOAuthRequest('The callback URL of the app has a scheme that nobody may be redirected to')
      case 'refused':
        return this.#refuse(visit, asked.read)
      case 'request':
        return this.#take(visit, asked, asked.read.request, formOf(bytes).get('decision') ?? 'allow').catch(
          this.#failing(visit, asked.read.request),
        )
    }
  }

  /** OA-B11: who follows a link to an unknown client is a person and reads a page. */
  async #clientOfPage(visit: Visit): Promise<OAuthClient | undefined> {
    const clientId = requiredClientId(visit)
    try {
      const client = await this.#parts.clients.find(clientId, visit.context.remoteAddress)
      if (client === undefined) sendFaultPage(visit.reply, UNKNOWN_CLIENT)
      return client
    } catch (error) {
      if (!(error instanceof OAuthError)) throw error
      const { status, message } = error
      sendFaultPage(
        visit.reply,
        error instanceof ClientDocumentUnreached
          ? unreachedDocument(clientId, status)
          : { ...UNKNOWN_CLIENT, status, message },
      )
      return undefined
    }
  }

  /** OA-3: the user is asked for after the client, and the request is read last. */
  async #arrive(visit: Visit, client: OAuthClient): Promise<Arrival> {
    const { context, raw } = visit
    const base = baseUrl(context, this.#parts.context.config.accessUrl)
    const access = pageSession(context, base, raw.url)
    const { value: reference, fault } = single(raw.search, 'request_uri')
    if (access.kind === 'sign-in') {
      // Signing in may take longer than a reference is good for that nobody has come with.
      if (reference !== undefined) await openReference(this.#parts, client, reference)
      return { kind: 'stranger', location: access.location }
    }
    if (fault !== undefined) return { kind: 'faulty', faults: [fault] }
    const search = reference === undefined ? raw.search : await openReference(this.#parts, client, reference)
    if (search === undefined)
      return { kind: 'faulty', faults: ['Query param "request_uri" is unknown, used or expired'] }
    const read = readAuthorizationRequest(client, search)
    try {
      if (reference === undefined && (await this.#mustPush(client)))
        return { kind: 'faulty', faults: ['The app must push its authorization requests (request_uri)'] }
    } catch (error) {
      if (read.kind !== 'request') throw error
      return { kind: 'failed', error, request: read.request }
    }
    return { kind: 'asked', asked: { client, accepted: access.accepted, read, reference } }
  }

  async #mustPush(client: OAuthClient): Promise<boolean> {
    if (client.require_pushed_authorization_requests) return true
    const settings = await readOAuthSettings(actor, this.#parts.context.database.db)
    return settings.require_pushed_authorization_requests
  }

  async #ask(visit: Visit, asked: Asked, request: AuthorizationRequest): Promise<undefined> {
    const { context } = this.#parts
    const { raw, reply } = visit
    const { client, accepted } = asked
    if (await this.#isRemembered(asked, request)) return this.#allow(visit, asked, request)
    const { owner, key } = accepted
    const held = raw.cookieValues[CSRF_COOKIE]
    const valid = isCsrfCookie(held)
    const cookie = valid ? held : newCsrfCookie()
    if (!valid) reply.header('Set-Cookie', setCookie(CSRF_COOKIE, cookie, context.cookies))
    const description = 'The user has cancelled the request'
    return void sendConsentPage(reply, {
      client,
      request,
      user: owner,
      action: ownAddress(raw.url),
      csrfToken: maskCsrfToken(cookie),
      cancel: this.#answer(request, { error: 'access_denied', error_description: description }),
      canSwitch: key.loginType !== 'token',
    })
  }

  /** OA-B14: where the app allows it, who has agreed to the same before is not asked again, unless the client wants it. */
  async #isRemembered({ client, accepted }: Asked, request: AuthorizationRequest): Promise<boolean> {
    if (!remembers(client) || request.asksAgain) return false
    const { scopes, resource } = request
    const consent = { appId: client.id, userId: accepted.owner.id, scopes, resource }
    const { context } = this.#parts
    return (
      (await mayGrant(context, accepted, scopes)) &&
      hasConsented(accepted.actor, context.database.db, consent)
    )
  }

  async #take(
    visit: Visit,
    asked: Asked,
    request: AuthorizationRequest,
    decision: string,
  ): Promise<undefined> {
    switch (decision) {
      case 'allow':
        return this.#allow(visit, asked, request)
      case 'deny':
        return this.#deny(visit, asked, request)
      case 'switch':
        return this.#signOut(visit, asked)
      default:
        throw invalidOAuthRequest('The decision must be allow or deny')
    }
  }

  async #allow(visit: Visit, asked: Asked, request: AuthorizationRequest): Promise<undefined> {
    const { client, accepted } = asked
    const { owner } = accepted
    if (!(await mayGrant(this.#parts.context, accepted, request.scopes)))
      throw forbidden('Your token may do less than the app asks for, so that it cannot authorize it.')
    await this.#useUp(asked)
    const code = await this.#makeCode(visit, asked, request)
    const { scopes } = request
    await recordEvent(this.#parts.context, visit, { event: 'consent_granted', client, user: owner, scopes })
    return redirect(visit, 302, this.#answer(request, { code }))
  }

  /** Stores a code for the client (OA-11, OA-12, OA-49). */
  async #makeCode(
    { context: visit }: Visit,
    { client, accepted }: Asked,
    request: AuthorizationRequest,
  ): Promise<string> {
    const { database, clock } = this.#parts.context
    const { owner } = accepted
    const { scopes, resource, state } = request
    const code = newOAuthSecret()
    const now = clock.now()
    await database.transaction(async (tx) => {
      await replaceCode(accepted.actor, tx, {
        appId: client.id,
        userId: owner.id,
        prefix: code.prefix,
        hashedSecret: code.hash,
        now,
        expiresAt: new Date(now.getTime() + CODE_MS),
        codeChallenge: request.codeChallenge,
        stateHash: state === undefined ? undefined : createHash('sha256').update(state).digest('hex'),
        redirectUri: request.givenRedirectUri,
        resource,
        scopes,
        dpopThumbprint: request.dpopThumbprint,
        ipAddress: visit.remoteAddress,
      })
      if (remembers(client))
        await rememberConsent(
          accepted.actor,
          tx,
          { appId: client.id, userId: owner.id, scopes, resource },
          now,
        )
      if (client.first_authorized_at === null) await markClientAuthorized(actor, tx, client.id, now)
    })
    return code.text
  }

  async #deny(visit: Visit, asked: Asked, request: AuthorizationRequest): Promise<undefined> {
    await this.#useUp(asked)
    const { client, accepted } = asked
    const { scopes } = request
    await recordEvent(this.#parts.context, visit, {
      event: 'consent_denied',
      client,
      user: accepted.owner,
      scopes,
    })
    const description = 'The user has declined the request'
    return redirect(
      visit,
      302,
      this.#answer(request, { error: 'access_denied', error_description: description }),
    )
  }

  /** UI-608: ends the session of who was asked, so that somebody else can sign in and be asked. */
  async #signOut(visit: Visit, { accepted }: Asked): Promise<undefined> {
    const { context, keys } = this.#parts
    const { key, owner } = accepted
    if (key.loginType === 'token') throw invalidOAuthRequest('Only a session can be ended here')
    const revoker = actorForUser('api_key_revoker', key.userId, 'who is asked is not who is signed in')
    await audited(context, { ...visit, owner }, { type: 'api_key', action: 'logout' }, (draft) => {
      draft.resourceId = key.userId
      return context.database.transaction((tx) =>
        deleteKeysOfUser(revoker, tx, key.userId, { session: key.id }),
      )
    })
    keys.drop(key.userId)
    visit.reply.header(
      'Set-Cookie',
      setCookie(sessionCookieName(context.cookies), '', context.cookies, { maxAge: -1 }),
    )
    return redirect(visit, 303, `/login?${new URLSearchParams({ redirect: ownAddress(visit.raw.url) })}`)
  }

  /** @throws OAuthError 400 for a pushed request that was decided already. */
  async #useUp({ client, reference }: Asked): Promise<void> {
    if (reference !== undefined && !(await takeReference(this.#parts, client, reference)))
      throw invalidParametersError(['Query param "request_uri" is unknown, used or expired'])
  }

  #failing(visit: Visit, request: AuthorizationRequest): (error: unknown) => undefined {
    return (error) => this.#tellFailure(visit, request, error)
  }

  /** OA-B11: the client hears of a failure of ours, and its user is back there. @throws what is no failure of ours. */
  #tellFailure(visit: Visit, request: AuthorizationRequest, error: unknown): undefined {
    if (error instanceof ApiError && error.status < 500) throw error
    this.#parts.context.log.error('an authorization request could not be answered', {
      request_id: visit.context.id,
      error: describeError(error),
    })
    const later = isDatabaseFault(error) || (error instanceof ApiError && error.status === 503)
    return redirect(
      visit,
      302,
      this.#answer(request, {
        error: later ? 'temporarily_unavailable' : 'server_error',
        error_description: 'The authorization server has failed; try again',
      }),
    )
  }

  #refuse(visit: Visit, read: Extract<ReadRequest, { kind: 'refused' }>): undefined {
    const { error, redirectUri, state } = read
    const response = { error: error.code, error_description: error.message }
    return redirect(visit, 302, this.#answer({ redirectUri, state }, response))
  }

  /** The answer for the client; `iss` says whose it is, which keeps those of several servers apart (RFC 9207). */
  #answer(
    { redirectUri, state }: Pick<AuthorizationRequest, 'redirectUri' | 'state'>,
    response: Readonly<Record<string, string>>,
  ): string {
    return redirectWith(redirectUri, { ...response, state, iss: issuerOf(this.#parts.context) })
  }
}

function invalidParametersError(faults: readonly string[]): OAuthError {
  return invalidOAuthRequest(`Invalid query params: ${faults.join('; ')}`)
}

/** §8 row 1. @throws OAuthError 400. */
function requiredClientId({ raw }: Visit): string {
  const { value, fault } = single(raw.search, 'client_id')
  if (fault !== undefined) throw invalidParametersError([fault])
  if (value === undefined) throw invalidOAuthRequest('Missing client_id parameter')
  return value
}

/** Address of this endpoint with the query of a request: a form never leads elsewhere, however its page was spelt. */
function ownAddress(url: string): string {
  const at = url.indexOf('?')
  return `/oauth2/authorize${at < 0 ? '' : url.slice(at)}`
}

function redirect({ reply }: Visit, status: 302 | 303, location: string): undefined {
  void reply.code(status).header('Location', location).header('Referrer-Policy', 'no-referrer').send()
}
