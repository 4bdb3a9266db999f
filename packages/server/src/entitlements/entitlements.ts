import { type Entitlements, FEATURES, type Feature, type FeatureName } from '@slipway/contract'
import { systemActor } from '../authz/index.ts'
import type { AppContext } from '../context.ts'
import { countAccounts } from '../identity/index.ts'

const actor = systemActor(
  'provisionerd',
  'everybody is told how many accounts are active, as no limit of them',
)

/**
 * What the deployment may do, which is everything: clients of the reference hide what is not named here as theirs to use.
 * Whether a feature is switched on follows from the settings (OP-151).
 */
export async function entitlements({ clock, config, database }: AppContext): Promise<Entitlements> {
  const counts = await countAccounts(actor, database.db)
  const switches: Partial<Record<FeatureName, boolean>> = {
    browser_only: config.browserOnly,
    scim: config.scimAuthHeader !== '',
    external_token_encryption: config.externalTokenEncryptionKeys.length > 0,
    multiple_external_auth: config.externalAuthProviders.length > 1,
    aibridge: config.aiGatewayEnabled,
  }
  const featureOf = (name: FeatureName): Feature => ({
    entitlement: 'entitled',
    enabled: switches[name] ?? true,
    ...(name === 'user_limit' ? { actual: counts.get('active') ?? 0 } : {}),
  })
  return {
    features: Object.fromEntries(FEATURES.map((name) => [name, featureOf(name)])),
    warnings: [],
    errors: [],
    has_license: true,
    trial: false,
    require_telemetry: false,
    refreshed_at: clock.now().toISOString(),
  }
}
