import { createHash, randomUUID, timingSafeEqual } from 'node:crypto'

import type { OAuth2ClientRegistrationResponse } from '@slipway/contract'
import { systemActor } from '../authz/index.ts'
import type { AppContext } from '../context.ts'
import { OAuthError } from '../errors/index.ts'
import { hashOAuthSecret, newOAuthSecret, randomAlphanumeric } from './client-secret.ts'
import { endpointOf } from './endpoints.ts'
import { clientConfiguration } from './present.ts'
import { readRegistration } from './read-registration.ts'
import { type RegistrationLimits, tooManyClients } from './registration-limits.ts'
import type { OAuthClient } from './store/clients.ts'
import { holdRegistrations, insertClient, insertSecret } from './store/registrations.ts'
import { readOAuthSettings } from './store/settings.ts'

const actor = systemActor('system_oauth', 'clients register themselves before anybody signs in')

const REGISTRATION_TOKEN_LENGTH = 40
/** Seconds: by then an administrator may have looked. */
const RETRY_WHEN_FULL = 3_600

/** A registration as it arrived. */
export interface RegistrationRequest {
  readonly authorization: string | undefined
  readonly remoteAddress: string
  readonly bytes: Buffer
}

/**
 * Registers a client (RFC 7591; OA-32…OA-37).
 *
 * @returns the client and what it is told, with secrets that are shown once.
 * @throws OAuthError 403 while registration is off, 401 without a registration token where one is needed, 429 for too many
 * clients, 400 `invalid_client_metadata`.
 */
export async function registerClient(
  context: AppContext,
  limits: RegistrationLimits,
  request: RegistrationRequest,
): Promise<{ readonly client: OAuthClient; readonly response: OAuth2ClientRegistrationResponse }> {
  const { config, clock, database } = context
  requireOpen(await readOAuthSettings(actor, database.db))
  requireRegistrationToken(config.oauth2RegistrationTokens, request.authorization)
  const metadata = readRegistration(context, request.bytes)
  await limits.takeRegistration(request.remoteAddress)
  const id = randomUUID()
  const registrationToken = randomAlphanumeric(REGISTRATION_TOKEN_LENGTH)
  const secret = metadata.client_type === 'confidential' ? newOAuthSecret() : undefined
  const client = await database.transaction(async (tx) => {
    const { settings, unused } = await holdRegistrations(actor, tx, config.oauth2MaxUnusedClients)
    requireOpen(settings)
    if (unused >= config.oauth2MaxUnusedClients)
      throw tooManyClients('There are too many clients that nobody has authorised', RETRY_WHEN_FULL)
    const stored = await insertClient(actor, tx, {
      ...metadata,
      id,
      dynamically_registered: true,
      client_id_issued_at: clock.now(),
      registration_access_token: hashOAuthSecret(registrationToken),
      registration_client_uri: endpointOf(context, `/oauth2/clients/${id}`),
    })
    if (secret !== undefined)
      await insertSecret(actor, tx, {
        app_id: id,
        secret_prefix: secret.prefix,
        hashed_secret: secret.hash,
        display_secret: `${'*'.repeat(secret.text.length - 6)}${secret.text.slice(-6)}`,
      })
    return stored
  })
  return {
    client,
    response: {
      ...clientConfiguration(client),
      ...(secret === undefined ? {} : { client_secret: secret.text }),
      registration_access_token: registrationToken,
    },
  }
}

function requireOpen(settings: { readonly dynamic_client_registration_enabled: boolean }): void {
  if (!settings.dynamic_client_registration_enabled)
    throw new OAuthError(403, 'invalid_request', 'Dynamic client registration is disabled')
}

/** OA-B19 (RFC 7591, section 3: initial access token). */
function requireRegistrationToken(tokens: readonly string[], authorization: string | undefined): void {
  if (tokens.length === 0) return
  const given = sha256(/^bearer +(\S+)$/i.exec(authorization ?? '')?.[1] ?? '')
  if (tokens.some((token) => timingSafeEqual(sha256(token), given))) return
  throw new OAuthError(
    401,
    'invalid_token',
    'Registration needs an initial access token of this deployment',
    {
      headers: { 'WWW-Authenticate': 'Bearer realm="coder", error="invalid_token"' },
    },
  )
}

function sha256(text: string): Buffer {
  return createHash('sha256').update(text).digest()
}
