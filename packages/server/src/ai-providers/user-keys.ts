import type { AIProviderType, PutUserAIProviderKeyRequest, UserAIProviderKey } from '@slipway/contract'
import { type Actor, authorize, systemActor } from '../authz/index.ts'
import type { AppContext } from '../context.ts'
import { ApiError, forbidden, notFound, type Validation } from '../errors/index.ts'
import { isUuid } from '../search/index.ts'
import { maskSecret } from './mask.ts'
import type { ModelProvider } from './provider.ts'
import { openUserKey, sealUserKey } from './sealed.ts'
import { findProvider, type ProviderRow } from './store/providers.ts'
import {
  findUserKey,
  listUserKeyProviders,
  deleteUserKey as removeUserKey,
  putUserKey as storeUserKey,
  type UserKeyProvider,
} from './store/user-keys.ts'

const MAX_BYTES = 10_240

/** Users need no right to providers to bring a key for one. */
const reader = systemActor('ai_provider_metadata_reader', 'users see which providers they may bring keys for')
const gateway = systemActor(
  'aibridged',
  'requests to models are made with the key of the user they are made for',
)

/** Whether users may bring their own credentials for providers of this type. */
function takesUserKeys(type: AIProviderType): boolean {
  return type !== 'bedrock' && type !== 'copilot'
}

/** Where a user may bring keys, and where there are some (chapter 04 section 5.2). @throws ApiError 403. */
export async function listUserKeys(
  context: AppContext,
  actor: Actor,
  userId: string,
): Promise<UserAIProviderKey[]> {
  const rows = await listUserKeyProviders(actor, context.database.db, userId)
  return rows.filter((row) => takesUserKeys(row.type)).map((row) => present(context, row))
}

/**
 * Stores a user's own key for a provider.
 *
 * @throws ApiError 403 where users may not bring keys, 404 without the provider, 412 while it is off, 400 for a key that
 * is empty, too long or has white space around it.
 */
export async function putUserKey(
  context: AppContext,
  actor: Actor,
  userId: string,
  providerName: string,
  { api_key: key }: PutUserAIProviderKeyRequest,
): Promise<UserAIProviderKey> {
  const { db } = context.database
  authorize(actor, 'update_personal', { type: 'user', id: userId, owner: userId })
  if (!context.config.aiGatewayAllowByok)
    throw forbidden('Bring Your Own Key (BYOK) mode is not enabled.', {
      detail: 'Contact your administrator to enable it with --ai-gateway-allow-byok.',
    })
  const provider = await getProvider(context, providerName)
  if (!takesUserKeys(provider.type))
    throw new ApiError(400, `Providers of type ${provider.type} do not take keys of users.`)
  if (!provider.enabled) throw new ApiError(412, `AI provider ${JSON.stringify(provider.name)} is disabled.`)
  const fault = keyFault(key)
  if (fault !== undefined) throw new ApiError(400, 'Invalid API key.', { validations: [fault] })
  const of = { user_id: userId, ai_provider_id: provider.id }
  await storeUserKey(actor, db, { ...of, api_key: sealUserKey(context, of, key), masked: maskSecret(key) })
  const stored = (await listUserKeyProviders(actor, db, userId)).find(({ id }) => id === provider.id)
  if (stored === undefined) throw notFound()
  return present(context, stored)
}

function keyFault(key: string): Validation | undefined {
  if (key.trim() === '') return { field: 'api_key', detail: 'must not be empty' }
  if (key !== key.trim()) return { field: 'api_key', detail: 'must not have white space around it' }
  if (Buffer.byteLength(key) > MAX_BYTES)
    return { field: 'api_key', detail: `must have at most ${MAX_BYTES} bytes` }
  if (!/^[\x21-\x7e]+$/.test(key))
    return { field: 'api_key', detail: 'must hold only printable ASCII characters' }
  return undefined
}

/** Removes a user's key, also for a provider that is off or deleted. @throws ApiError 404 without one, 403. */
export async function deleteUserKey(
  context: AppContext,
  actor: Actor,
  userId: string,
  providerName: string,
): Promise<void> {
  const { db } = context.database
  const id = isUuid(providerName) ? providerName : (await getProvider(context, providerName)).id
  if (!(await removeUserKey(actor, db, userId, id))) throw notFound()
}

async function getProvider(context: AppContext, named: string): Promise<ProviderRow> {
  const found = await findProvider(
    reader,
    context.database.db,
    isUuid(named) ? { id: named } : { name: named },
  )
  if (found === undefined) throw notFound()
  return found.row
}

/**
 * The key that a user brings for a provider; undefined without one, or where users may not (CH-507).
 *
 * @throws Error when it cannot be read any more.
 */
export async function userKeyFor(
  context: AppContext,
  userId: string,
  provider: ModelProvider,
): Promise<{ readonly key: string; readonly hint: string } | undefined> {
  if (!context.config.aiGatewayAllowByok || !takesUserKeys(provider.type)) return undefined
  const row = await findUserKey(gateway, context.database.db, userId, provider.id)
  return row === undefined ? undefined : { key: openUserKey(context, row), hint: row.masked }
}

/** Why a provider cannot be used for a user (CH-506). */
export type UnavailableReason = 'missing_api_key' | 'fetch_failed' | 'user_api_key_required'

/**
 * For each of these providers, why it cannot be used for the user; those that can be are not named (CH-506, CH-507).
 */
export async function unavailableFor(
  context: AppContext,
  userId: string,
  providers: readonly ModelProvider[],
): Promise<Map<string, UnavailableReason>> {
  const allowed = context.config.aiGatewayAllowByok
  const own = new Set(
    allowed
      ? (await listUserKeyProviders(gateway, context.database.db, userId))
          .filter((row) => row.has_user_key)
          .map((row) => row.id)
      : [],
  )
  const reasons = new Map<string, UnavailableReason>()
  for (const provider of providers) {
    const takes = allowed && takesUserKeys(provider.type)
    if (takes && own.has(provider.id)) continue
    if (provider.bedrock !== undefined || provider.keys.length > 0) continue
    if (provider.status === 'error' && (takes || provider.type === 'bedrock'))
      reasons.set(provider.id, 'fetch_failed')
    else reasons.set(provider.id, takes ? 'user_api_key_required' : 'missing_api_key')
  }
  return reasons
}

function present(context: AppContext, row: UserKeyProvider): UserAIProviderKey {
  const { id, type, name, display_name, icon, enabled, deleted } = row
  return {
    provider: {
      id,
      type,
      name,
      display_name: display_name === '' ? name : display_name,
      icon,
      enabled,
      deleted,
    },
    has_user_api_key: row.has_user_key,
    has_provider_api_key: row.has_provider_key,
    byok_enabled: context.config.aiGatewayAllowByok,
  }
}
