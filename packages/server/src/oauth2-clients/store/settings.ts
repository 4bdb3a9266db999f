import type { OAuth2ProviderSettings } from '@slipway/contract'
import { type Actor, authorize } from '../../authz/index.ts'
import type { Db } from '../../database/index.ts'

const COLUMNS = ['dynamic_client_registration_enabled', 'require_pushed_authorization_requests'] as const

/**
 * What the deployment allows clients, as it is at this moment on every replica (OA-23, OA-25).
 *
 * @throws ApiError 403 without `deployment_config:read`.
 */
export async function readOAuthSettings(actor: Actor, db: Db): Promise<OAuth2ProviderSettings> {
  authorize(actor, 'read', { type: 'deployment_config' })
  return db.selectFrom('oauth2_provider_settings').select(COLUMNS).executeTakeFirstOrThrow()
}

/** The settings, which nobody else changes until the transaction ends. @throws ApiError 403. */
export async function holdOAuthSettings(actor: Actor, tx: Db): Promise<OAuth2ProviderSettings> {
  authorize(actor, 'update', { type: 'deployment_config' })
  return tx.selectFrom('oauth2_provider_settings').select(COLUMNS).forUpdate().executeTakeFirstOrThrow()
}

/** Stores the settings. @throws ApiError 403 without `deployment_config:update`. */
export async function storeOAuthSettings(
  actor: Actor,
  tx: Db,
  settings: OAuth2ProviderSettings,
): Promise<void> {
  authorize(actor, 'update', { type: 'deployment_config' })
  await tx.updateTable('oauth2_provider_settings').set(settings).execute()
}
