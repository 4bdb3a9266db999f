import type { PostOAuth2ProviderAppRequest, PutOAuth2ProviderAppRequest } from '@slipway/contract'
import { type Actor, authorize } from '../authz/index.ts'
import type { AppContext } from '../context.ts'
import { badRequest, type Validation, validationFailed } from '../errors/index.ts'
import { newOAuthSecret } from './client-secret.ts'
import { isDangerousScheme, NO_BACKSLASH, redirectUriFault } from './redirect-uris.ts'
import { parseScopes } from './scopes.ts'
import { holdApp, holdAppForSecret } from './store/apps.ts'
import type { OAuthClient } from './store/clients.ts'
import { insertClient, insertSecret, updateClient } from './store/registrations.ts'
import type { OAuthClientSecret } from './store/secrets.ts'

const NAME = /^[a-zA-Z0-9]+(?:-[a-zA-Z0-9]+)*$/
const MAX_NAME = 32
const MAX_URL = 2048
/** Pages of the dashboard have these names. */
const TAKEN = new Set(['new', 'create'])
/** More than anybody rotates through; each is looked through when they are listed. */
const MAX_SECRETS = 100
const SHOWN = 6

/** What administrators make are confidential clients (OA-15). */
const RULES = { client_type: 'confidential', application_type: null } as const

/** Makes an app (OA-15). @throws ApiError 403, 400 naming every field that breaks a rule. */
export async function createApp(
  context: AppContext,
  actor: Actor,
  given: PostOAuth2ProviderAppRequest,
): Promise<OAuthClient> {
  authorize(actor, 'create', { type: 'oauth2_app' })
  return insertClient(actor, context.database.db, {
    ...appValues(given),
    client_type: 'confidential',
    token_endpoint_auth_method: 'client_secret_post',
  })
}

/**
 * Changes an app; what administrators did not make keeps its own metadata, which its owner may change at any time.
 *
 * @throws ApiError 403, 404, 400 naming every field that breaks a rule.
 */
export async function updateApp(
  context: AppContext,
  actor: Actor,
  id: string,
  given: PutOAuth2ProviderAppRequest,
): Promise<{ readonly before: OAuthClient; readonly after: OAuthClient }> {
  authorize(actor, 'update', { type: 'oauth2_app', id })
  return context.database.transaction(async (tx) => {
    const before = await holdApp(actor, tx, id)
    return { before, after: await updateClient(actor, tx, id, appValues(given)) }
  })
}

function appValues(given: PutOAuth2ProviderAppRequest) {
  const faults: Validation[] = []
  const fault = (field: string, detail: string): void => void faults.push({ field, detail })
  if (given.name.length > MAX_NAME || !NAME.test(given.name))
    fault('name', `must be 1 to ${MAX_NAME} letters and digits, with single hyphens between them`)
  if (TAKEN.has(given.name)) fault('name', 'is reserved')
  const ofCallback = callbackFault(given.callback_url)
  if (ofCallback !== undefined) fault('callback_url', ofCallback)
  for (const [index, uri] of (given.redirect_uris ?? []).entries()) {
    const ofUri = uri === given.callback_url ? undefined : redirectUriFault(uri, RULES)
    if (ofUri !== undefined) fault(`redirect_uris.${index}`, ofUri)
  }
  const scopes = given.scope === undefined ? undefined : parseScopes(given.scope)
  if (given.scope !== undefined && scopes === undefined) fault('scope', 'names a scope that does not exist')
  if (faults.length > 0) throw validationFailed(faults)
  const { name, callback_url, icon = '', require_pushed_authorization_requests, remember_consent } = given
  return {
    name,
    callback_url,
    icon,
    ...(given.redirect_uris === undefined
      ? {}
      : { redirect_uris: [...new Set(given.redirect_uris)].filter((uri) => uri !== callback_url) }),
    ...(scopes === undefined ? {} : { scope: scopes.join(' ') }),
    ...(require_pushed_authorization_requests === undefined ? {} : { require_pushed_authorization_requests }),
    ...(remember_consent === undefined ? {} : { remember_consent }),
  }
}

/** Apps on the web may be at any host (OA-15); others have schemes of their own (OA-B9). */
function callbackFault(uri: string): string | undefined {
  if (uri.length > MAX_URL) return `must have at most ${MAX_URL} characters`
  if (!/^https?:/i.test(uri)) return redirectUriFault(uri, RULES)
  const url = URL.parse(uri)
  if (url === null || !/^https?:\/\/[^/?#]/i.test(uri) || isDangerousScheme(uri))
    return 'must be an absolute http or https URL with a host'
  if (!/^[\x21-\x7e]+$/.test(uri)) return 'must hold only printable ASCII characters'
  if (uri.includes('\\')) return NO_BACKSLASH
  if (url.username !== '' || url.password !== '') return 'must not hold a user name'
  return uri.includes('#') ? 'must not have a fragment' : undefined
}

/**
 * Makes a secret of an app (OA-18, OA-B17).
 *
 * @returns its row and the text that is shown once.
 * @throws ApiError 403, 404, 400 for a public client, a moment that is past and for too many secrets.
 */
export async function createSecret(
  context: AppContext,
  actor: Actor,
  appId: string,
  expiresAt: Date | undefined,
): Promise<{ readonly app: OAuthClient; readonly row: OAuthClientSecret; readonly text: string }> {
  authorize(actor, 'create', { type: 'oauth2_app_secret' })
  if (expiresAt !== undefined && expiresAt <= context.clock.now())
    throw validationFailed([{ field: 'expires_at', detail: 'must be in the future' }])
  const secret = newOAuthSecret()
  return context.database.transaction(async (tx) => {
    const { app, secrets } = await holdAppForSecret(actor, tx, appId)
    if (app.client_type === 'public') throw badRequest('A public client cannot keep a secret.')
    if (secrets >= MAX_SECRETS)
      throw badRequest(`The application has ${MAX_SECRETS} secrets. Delete those that are not used.`)
    const row = await insertSecret(actor, tx, {
      app_id: appId,
      secret_prefix: secret.prefix,
      hashed_secret: secret.hash,
      display_secret: secret.text.slice(-SHOWN),
      expires_at: expiresAt ?? null,
    })
    return { app, row, text: secret.text }
  })
}
