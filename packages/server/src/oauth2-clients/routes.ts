import * as contract from '@slipway/contract'
import { audited } from '../audit/index.ts'
import type { AppContext } from '../context.ts'
import type { BoundRoute } from '../edge/index.ts'
import { forSession, type SessionIncoming } from '../edge/index.ts'
import { badRequest } from '../errors/index.ts'
import { behindExperiments } from '../experiments/index.ts'
import { isUuid } from '../search/index.ts'
import { createApp, createSecret, updateApp } from './manage-apps.ts'
import type { OAuthClients } from './oauth-clients.ts'
import { presentApp } from './present.ts'
import { clientRoutes } from './protocol-routes.ts'
import { deleteApp, deleteSecret, getApp, listApps, listAppsOfUser, listSecrets } from './store/apps.ts'
import type { OAuthClientSecret } from './store/secrets.ts'
import { holdOAuthSettings, readOAuthSettings, storeOAuthSettings } from './store/settings.ts'

/**
 * Clients of the authorization server: their management, their own registration, and what they discover.
 *
 * @param forgetTokens forgets what this replica knows of anybody's tokens: those of a client have just ended (OA-7).
 */
export function oauthClientRoutes(
  context: AppContext,
  clients: OAuthClients,
  forgetTokens: () => void,
): BoundRoute[] {
  return behindExperiments(
    context,
    ['oauth2'],
    [
      ...appRoutes(context, clients, forgetTokens),
      ...settingsRoutes(context),
      ...clientRoutes(context, clients, forgetTokens),
    ],
  )
}

function appRoutes(context: AppContext, { known }: OAuthClients, forgetTokens: () => void): BoundRoute[] {
  const { db } = context.database
  return [
    forSession(contract.listOAuth2Apps, async ({ actor, query }) => {
      const { user_id: userId } = query
      const apps =
        userId === undefined
          ? await listApps(actor, db)
          : await listAppsOfUser(actor, db, userId, context.clock.now())
      return apps.map((app) => presentApp(context, app))
    }),
    forSession(contract.createOAuth2App, (incoming) =>
      audited(context, incoming, { type: 'oauth2_provider_app', action: 'create' }, async (draft) => {
        draft.after = await createApp(context, incoming.actor, incoming.body)
        return presentApp(context, draft.after)
      }),
    ),
    forSession(contract.getOAuth2App, async ({ actor, params }) =>
      presentApp(context, await getApp(actor, db, uuidOf(params, 'app'))),
    ),
    forSession(contract.updateOAuth2App, (incoming) =>
      audited(context, incoming, { type: 'oauth2_provider_app', action: 'write' }, async (draft) => {
        const { actor, params, body } = incoming
        const { before, after } = await updateApp(context, actor, uuidOf(params, 'app'), body)
        known.clear()
        draft.before = before
        draft.after = after
        return presentApp(context, after)
      }),
    ),
    forSession(contract.deleteOAuth2App, (incoming) =>
      audited(context, incoming, { type: 'oauth2_provider_app', action: 'delete' }, async (draft) => {
        const id = uuidOf(incoming.params, 'app')
        draft.before = await context.database.transaction((tx) => deleteApp(incoming.actor, tx, id))
        known.clear()
        forgetTokens()
        return undefined
      }),
    ),
    forSession(contract.listOAuth2AppSecrets, async ({ actor, params }) =>
      (await listSecrets(actor, db, uuidOf(params, 'app'))).map(presentSecret),
    ),
    forSession(contract.createOAuth2AppSecret, (incoming) =>
      audited(context, incoming, { type: 'oauth2_provider_app_secret', action: 'create' }, async (draft) => {
        const { actor, params, body } = incoming
        const expiresAt = body.expires_at === undefined ? undefined : new Date(body.expires_at)
        const { app, row, text } = await createSecret(context, actor, uuidOf(params, 'app'), expiresAt)
        draft.after = row
        draft.target = app.name
        return { id: row.id, client_secret_full: text }
      }),
    ),
    forSession(contract.deleteOAuth2AppSecret, (incoming) =>
      audited(context, incoming, { type: 'oauth2_provider_app_secret', action: 'delete' }, async (draft) => {
        const { actor, params } = incoming
        const [appId, secretId] = [uuidOf(params, 'app'), uuidOf(params, 'secretID')]
        const { row, app } = await context.database.transaction((tx) =>
          deleteSecret(actor, tx, appId, secretId),
        )
        known.clear()
        forgetTokens()
        draft.before = row
        draft.target = app.name
        return undefined
      }),
    ),
  ]
}

function settingsRoutes(context: AppContext): BoundRoute[] {
  return [
    forSession(contract.getOAuth2Settings, async ({ actor }) =>
      readOAuthSettings(actor, context.database.db),
    ),
    forSession(contract.updateOAuth2Settings, (incoming) => changeSettings(context, incoming)),
  ]
}

/** What is left out stays as it is; the answer says what holds now (OA-24). @throws ApiError 403. */
function changeSettings(
  context: AppContext,
  incoming: SessionIncoming<typeof contract.updateOAuth2Settings>,
): Promise<contract.OAuth2ProviderSettings> {
  return audited(context, incoming, { type: 'oauth2_provider_settings', action: 'write' }, async (draft) => {
    const { actor, body } = incoming
    return context.database.transaction(async (tx) => {
      const before = await holdOAuthSettings(actor, tx)
      const after = {
        dynamic_client_registration_enabled:
          body.dynamic_client_registration_enabled ?? before.dynamic_client_registration_enabled,
        require_pushed_authorization_requests:
          body.require_pushed_authorization_requests ?? before.require_pushed_authorization_requests,
      }
      await storeOAuthSettings(actor, tx, after)
      draft.before = before
      draft.after = after
      return after
    })
  })
}

/** A UUID of the path. @throws ApiError 400 for a malformed one (OA-17). */
function uuidOf(params: Readonly<Record<string, string>>, name: string): string {
  const text = params[name] ?? ''
  if (isUuid(text)) return text
  throw badRequest(`Invalid UUID ${JSON.stringify(text.slice(0, 64))}.`, {
    validations: [{ field: name, detail: 'must be a UUID' }],
  })
}

function presentSecret(row: OAuthClientSecret): contract.OAuth2ProviderAppSecret {
  return {
    id: row.id,
    created_at: row.created_at.toISOString(),
    last_used_at: row.last_used_at?.toISOString() ?? null,
    expires_at: row.expires_at?.toISOString() ?? null,
    client_secret_truncated: row.display_secret,
  }
}
