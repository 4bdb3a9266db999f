import { DEVICE_CODE_GRANT, type OAuth2DeviceAuthorizationResponse } from '@slipway/contract'
import { systemActor } from '../authz/index.ts'
import type { AppContext } from '../context.ts'
import type { Incoming } from '../edge/index.ts'
import { invalidOAuthRequest, OAuthError } from '../errors/index.ts'
import { endpointOf, newOAuthSecret, type OAuthClient, type OAuthClients } from '../oauth2-clients/index.ts'
import { clientRequestOf, Form, formOf, requestedScopesOf, resourceFault } from '../oauth2-provider/index.ts'
import { insertDeviceCode } from './store.ts'
import { hashUserCode, newUserCode, readUserCode } from './user-code.ts'

const actor = systemActor('system_oauth', 'a device asks before it is known for whom')

/** Seconds in which a user has to decide, and between two polls of the device (OA-B12). */
const EXPIRES_IN = 900
const INTERVAL = 5
/** Requests of one app that may wait at the same time. */
const MAX_WAITING = 1_000
/** Codes that are tried until one is found that no other device has; more than one is a rare accident. */
const MAX_TRIES = 5

/**
 * Starts the flow for a device without a browser (RFC 8628 section 3.1; OA-B12): what it shows its user, and what it asks
 * the token endpoint with.
 *
 * @throws OAuthError as the token endpoint for the client; `unauthorized_client`, `invalid_scope`; 429 while too many requests
 * of the app wait.
 */
export async function authorizeDevice(
  { context, clients }: { readonly context: AppContext; readonly clients: OAuthClients },
  { context: visit, raw }: Pick<Incoming<never>, 'context' | 'raw'>,
  bytes: Buffer,
): Promise<OAuth2DeviceAuthorizationResponse> {
  const search = formOf(bytes)
  const presented = await clients.identify(clientRequestOf({ context: visit, raw }, search))
  await clients.authenticate(presented)
  if (!mayUseDevices(presented.client))
    throw new OAuthError(400, 'unauthorized_client', 'The client is not registered for the device flow')
  const form = new Form(search)
  const scopes = requestedScopesOf(presented.client, form.get('scope'))
  const resource = form.get('resource')
  const fault = resource === undefined ? undefined : resourceFault(resource)
  if (fault !== undefined) throw invalidOAuthRequest(`Invalid parameter: resource ${fault}`)
  const secret = newOAuthSecret()
  const now = context.clock.now()
  const wanted = {
    appId: presented.client.id,
    prefix: secret.prefix,
    hashedSecret: secret.hash,
    scopes,
    resource,
    ipAddress: visit.remoteAddress,
    intervalSeconds: INTERVAL,
    now,
    expiresAt: new Date(now.getTime() + EXPIRES_IN * 1_000),
  }
  for (let tries = 0; tries < MAX_TRIES; tries += 1) {
    const userCode = newUserCode()
    const code = { ...wanted, hashedUserCode: hashUserCode(readUserCode(userCode) ?? '') }
    switch (await insertDeviceCode(actor, context.database.db, code, MAX_WAITING)) {
      case 'too many':
        throw new OAuthError(
          429,
          'temporarily_unavailable',
          'Too many devices of this app wait for their users',
          {
            headers: { 'Retry-After': '60' },
          },
        )
      case 'taken':
        continue
      case 'stored': {
        const page = endpointOf(context, '/oauth2/device')
        return {
          device_code: secret.text,
          user_code: userCode,
          verification_uri: page,
          verification_uri_complete: `${page}?${new URLSearchParams({ user_code: userCode })}`,
          expires_in: EXPIRES_IN,
          interval: INTERVAL,
        }
      }
    }
  }
  throw new Error('no code for the user of a device is free')
}

/** A client that describes itself has to name the grant (RFC 7591 section 2); what administrators make may use each. */
function mayUseDevices({ dynamically_registered, metadata_url, grant_types }: OAuthClient): boolean {
  return (!dynamically_registered && metadata_url === null) || grant_types.includes(DEVICE_CODE_GRANT)
}
