import { createHash, randomBytes } from 'node:crypto'

import type { OAuth2PushedAuthorizationResponse } from '@slipway/contract'
import { systemActor } from '../authz/index.ts'
import { invalidOAuthRequest, OAuthError } from '../errors/index.ts'
import type { OAuthClient } from '../oauth2-clients/index.ts'
import type { OAuth2Visit } from './audit-events.ts'
import { type AuthorizationRequest, readAuthorizationRequest } from './authorization-request.ts'
import type { RateLimit } from './client-limit.ts'
import { clientRequestOf } from './client-request.ts'
import { formOf } from './parameters.ts'
import type { ProviderParts } from './parts.ts'
import { provenKey } from './proven-key.ts'
import { insertPushedRequest, openPushedRequest, takePushedRequest } from './store/pushed-requests.ts'

const actor = systemActor('system_oauth', 'clients push requests before it is known which user they are for')

const PREFIX = 'urn:ietf:params:oauth:request_uri:'
const REFERENCE = /^urn:ietf:params:oauth:request_uri:[A-Za-z0-9_-]{43}$/
const SECRET_BYTES = 32
/** How long a client has to send its user, in seconds (OA-B15), and from then on the user to decide, in milliseconds. */
const EXPIRES_IN = 60
const DECISION_MS = 15 * 60_000

/** What is kept as it is; scopes and the prompt are kept as they were understood, and nothing else is. */
const KEPT = [
  'response_type',
  'client_id',
  'redirect_uri',
  'state',
  'resource',
  'code_challenge',
  'code_challenge_method',
  'dpop_jkt',
]

/**
 * Keeps an authorization request that its client sends itself, and gives a reference to it (RFC 9126; OA-B15). All faults
 * of it are told at once, so that no user is sent with it.
 *
 * @throws OAuthError as the token endpoint for the client, and as the authorization endpoint for the request.
 */
export async function pushRequest(
  { context, clients, dpop }: ProviderParts,
  limited: Readonly<Record<OAuthClient['client_type'], RateLimit>>,
  incoming: OAuth2Visit & Parameters<RateLimit>[0],
  bytes: Buffer,
): Promise<OAuth2PushedAuthorizationResponse> {
  const form = formOf(bytes)
  const presented = await clients.identify(clientRequestOf(incoming, form))
  await limited[presented.client.client_type](incoming, presented.client.id)
  await clients.authenticate(presented)
  if (form.has('request_uri')) throw invalidOAuthRequest('A pushed request must not hold a request_uri')
  if (!form.has('client_id')) form.set('client_id', presented.client.id)
  const thumbprint = await provenKey(dpop, incoming, '/oauth2/par')
  // RFC 9449, section 10.1: the key of the proof is the one that the code will be bound to.
  if (thumbprint !== undefined) {
    if ((form.get('dpop_jkt') ?? thumbprint) !== thumbprint)
      throw invalidOAuthRequest('The parameter dpop_jkt names another key than the DPoP proof')
    form.set('dpop_jkt', thumbprint)
  }
  const read = readAuthorizationRequest(presented.client, form)
  switch (read.kind) {
    case 'faulty':
      throw invalidOAuthRequest(`Invalid parameters: ${read.faults.join('; ')}`)
    case 'unsupported-response-type':
      throw unsupportedResponseType()
    case 'unsafe-callback':
      throw invalidOAuthRequest('The redirect URI of the app has a scheme that nobody may be redirected to')
    case 'refused':
      throw read.error
    case 'request': {
      const secret = randomBytes(SECRET_BYTES).toString('base64url')
      const now = context.clock.now()
      await insertPushedRequest(actor, context.database.db, {
        hashedSecret: hashOf(secret),
        appId: presented.client.id,
        parameters: keptOf(form, read.request).toString(),
        now,
        expiresAt: new Date(now.getTime() + EXPIRES_IN * 1000),
      })
      return { request_uri: `${PREFIX}${secret}`, expires_in: EXPIRES_IN }
    }
  }
}

/** The parameters of a good request, each of a length that was checked. */
function keptOf(form: URLSearchParams, { scopes, asksAgain }: AuthorizationRequest): URLSearchParams {
  const kept = new URLSearchParams()
  for (const name of KEPT) for (const value of form.getAll(name)) kept.append(name, value)
  if ((form.get('scope') ?? '') !== '') kept.set('scope', scopes.join(' '))
  if (asksAgain) kept.set('prompt', 'consent')
  return kept
}

/** §8 row 5. */
export function unsupportedResponseType(): OAuthError {
  return new OAuthError(400, 'unsupported_response_type', 'Only response_type=code is supported')
}

/**
 * The parameters behind a reference; undefined for one that is unknown, of another client, used or too old. The user may
 * come with it more than once, to sign in and to look again; it is used up by the decision.
 */
export async function openReference(
  { context }: ProviderParts,
  client: OAuthClient,
  reference: string,
): Promise<URLSearchParams | undefined> {
  if (!REFERENCE.test(reference)) return undefined
  const parameters = await openPushedRequest(actor, context.database.db, {
    hashedSecret: hashOf(reference.slice(PREFIX.length)),
    appId: client.id,
    now: context.clock.now(),
    decisionMs: DECISION_MS,
  })
  return parameters === undefined ? undefined : new URLSearchParams(parameters)
}

/** Uses a reference up; whether it was still good. */
export function takeReference(
  { context }: ProviderParts,
  client: OAuthClient,
  reference: string,
): Promise<boolean> {
  return takePushedRequest(actor, context.database.db, {
    hashedSecret: hashOf(reference.slice(PREFIX.length)),
    appId: client.id,
    now: context.clock.now(),
  })
}

function hashOf(secret: string): Buffer {
  return createHash('sha256').update(secret).digest()
}
