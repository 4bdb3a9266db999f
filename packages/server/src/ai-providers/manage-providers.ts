import { randomUUID } from 'node:crypto'

import type {
  AIProviderKeyMutation,
  CreateAIProviderRequest,
  UpdateAIProviderRequest,
} from '@slipway/contract'
import { type Actor, authorize } from '../authz/index.ts'
import type { AppContext } from '../context.ts'
import { badRequest, notFound } from '../errors/index.ts'
import { isUuid } from '../search/index.ts'
import { maskSecret } from './mask.ts'
import {
  checkFields,
  checkKey,
  checkName,
  checkSettings,
  checkType,
  Faults,
  isProviderName,
  MAX_KEYS,
  refuseKeys,
  takesSettings,
} from './provider-rules.ts'
import { openKey, openSettings, sealKey, sealSettings } from './sealed.ts'
import { type BedrockSettings, usesBedrock } from './settings.ts'
import {
  deleteProviderKeys,
  findProvider,
  insertProvider,
  insertProviderKeys,
  type NewProviderKey,
  type ProviderKeyRow,
  type ProviderName,
  type ProviderRow,
  type ProviderWithKeys,
  deleteProvider as removeProvider,
  updateProvider as storeProvider,
} from './store/providers.ts'
import { forgetTroubles } from './store/troubles.ts'

/** How a path names a provider: by its id, else by its name. @throws ApiError 400 for what can be neither (AG-98). */
export function providerName(idOrName: string): ProviderName {
  if (isUuid(idOrName)) return { id: idOrName }
  if (isProviderName(idOrName)) return { name: idOrName }
  throw badRequest('Invalid AI provider request.', {
    validations: [{ field: 'idOrName', detail: 'must be the id or the name of a provider' }],
  })
}

/** A live provider. @throws ApiError 403, 400, 404. */
export async function getProvider(
  context: AppContext,
  actor: Actor,
  idOrName: string,
): Promise<ProviderWithKeys> {
  authorize(actor, 'read', { type: 'ai_provider' })
  const found = await findProvider(actor, context.database.db, providerName(idOrName))
  if (found === undefined) throw notFound()
  return found
}

/** A provider to make, all of it decided. */
export interface ProviderPlan {
  readonly type: ProviderRow['type']
  readonly name: string
  readonly displayName: string
  readonly icon: string
  readonly enabled: boolean
  readonly baseUrl: string
  readonly keys: readonly string[]
  readonly settings: BedrockSettings | undefined
}

/** Reads what a new provider is to be. @throws ApiError 400 naming every field that breaks a rule (AG-98 to AG-105). */
export function planProvider(given: CreateAIProviderRequest): ProviderPlan {
  const faults = new Faults()
  const type = checkType(faults, given.type)
  checkName(faults, given)
  checkFields(faults, { ...given, base_url: given.base_url ?? '' })
  let settings: BedrockSettings | undefined
  if (given.settings != null) {
    if (type !== undefined && !takesSettings(type))
      faults.add('settings', `are not for providers of type ${type}`)
    else settings = checkSettings(faults, given.settings, undefined, randomUUID)
  } else if (type === 'bedrock') faults.add('settings', 'are required for providers of type bedrock')
  const keys = given.api_keys ?? []
  if (type !== undefined) checkNewKeys(faults, type, settings, keys)
  faults.check()
  if (type === undefined) throw new Error('a provider without a type has passed')
  return {
    type,
    name: given.name ?? '',
    displayName: given.display_name ?? '',
    icon: given.icon ?? '',
    enabled: given.enabled ?? false,
    baseUrl: given.base_url ?? '',
    keys,
    settings,
  }
}

function checkNewKeys(
  faults: Faults,
  type: ProviderRow['type'],
  settings: BedrockSettings | undefined,
  keys: readonly string[],
): void {
  if (keys.length > 0 && (type === 'copilot' || usesBedrock(type, settings))) {
    refuseKeys(faults, type)
    return
  }
  if (keys.length > MAX_KEYS) faults.add('api_keys', `must be at most ${MAX_KEYS}`)
  for (const [index, key] of keys.entries()) {
    checkKey(faults, `api_keys[${index}]`, key)
    if (keys.indexOf(key) < index) faults.add(`api_keys[${index}]`, 'is given twice')
  }
}

/** Stores a new provider with its keys. @throws ApiError 403, 409 for a name that is taken. */
export async function storePlan(
  context: AppContext,
  actor: Actor,
  tx: AppContext['database']['db'],
  plan: ProviderPlan,
): Promise<ProviderWithKeys> {
  const id = randomUUID()
  const row = await insertProvider(actor, tx, {
    id,
    type: plan.type,
    name: plan.name,
    display_name: plan.displayName,
    icon: plan.icon,
    enabled: plan.enabled,
    base_url: plan.baseUrl,
    settings: plan.settings === undefined ? null : sealSettings(context, id, plan.settings),
  })
  const keys = await insertProviderKeys(
    actor,
    tx,
    id,
    plan.keys.map((key) => newKey(context, id, key)),
  )
  return { row, keys }
}

function newKey(context: AppContext, providerId: string, key: string): NewProviderKey {
  const of = { id: randomUUID(), provider_id: providerId }
  return { ...of, api_key: sealKey(context, of, key), masked: maskSecret(key) }
}

/** Makes a provider. @throws ApiError 403, 400, 409. */
export async function createProvider(
  context: AppContext,
  actor: Actor,
  given: CreateAIProviderRequest,
): Promise<ProviderWithKeys> {
  authorize(actor, 'create', { type: 'ai_provider' })
  const plan = planProvider(given)
  return context.database.transaction((tx) => storePlan(context, actor, tx, plan))
}

/** A provider before and after a change, and what became of its keys. */
export interface ProviderChanged {
  readonly before: ProviderRow
  readonly after: ProviderWithKeys
  readonly added: readonly ProviderKeyRow[]
  readonly removed: readonly ProviderKeyRow[]
  /** Undefined when the request did not speak of keys. */
  readonly kept: number | undefined
  /** Whether nothing but keys was to change. */
  readonly keysOnly: boolean
}

/** Changes what is given of a provider. @throws ApiError 403, 404, 400 naming every field that breaks a rule. */
export async function updateProvider(
  context: AppContext,
  actor: Actor,
  idOrName: string,
  given: UpdateAIProviderRequest,
): Promise<ProviderChanged> {
  authorize(actor, 'update', { type: 'ai_provider' })
  const { api_keys: mutations, settings, ...fields } = given
  const hasFields = settings != null || Object.values(fields).some((field) => field !== undefined)
  if (!hasFields && mutations === undefined) throw badRequest('At least one field must be provided.')
  return context.database.transaction(async (tx) => {
    const found = await findProvider(actor, tx, providerName(idOrName), true)
    if (found === undefined) throw notFound()
    const { row } = found
    const faults = new Faults()
    checkFields(faults, fields)
    const next = nextSettings(context, faults, row, settings)
    const keys = nextKeys(context, faults, found, next, mutations)
    faults.check()
    const after = await storeProvider(actor, tx, row.id, {
      ...(fields.display_name === undefined ? {} : { display_name: fields.display_name }),
      ...(fields.icon === undefined ? {} : { icon: fields.icon }),
      ...(fields.enabled === undefined ? {} : { enabled: fields.enabled }),
      ...(fields.base_url === undefined ? {} : { base_url: fields.base_url }),
      ...(settings == null || next === undefined ? {} : { settings: sealSettings(context, row.id, next) }),
    })
    await deleteProviderKeys(
      actor,
      tx,
      row.id,
      keys.removed.map(({ id }) => id),
    )
    const { display_name: _name, icon: _icon, ...used } = fields
    if (
      mutations !== undefined ||
      settings != null ||
      Object.values(used).some((field) => field !== undefined)
    )
      await forgetTroubles(actor, tx, row.id)
    const added = await insertProviderKeys(
      actor,
      tx,
      row.id,
      keys.added.map((key) => newKey(context, row.id, key)),
    )
    return {
      before: row,
      after: { row: after, keys: [...keys.kept, ...added] },
      added,
      removed: keys.removed,
      kept: mutations === undefined ? undefined : keys.kept.length,
      keysOnly: !hasFields,
    }
  })
}

function nextSettings(
  context: AppContext,
  faults: Faults,
  row: ProviderRow,
  given: UpdateAIProviderRequest['settings'],
): BedrockSettings | undefined {
  let before: BedrockSettings | undefined
  try {
    before = openSettings(context, row)
  } catch {
    // They were encrypted under a key that is gone: they can only be given anew, with all their secrets.
    before = undefined
  }
  if (given == null) return before
  if (!takesSettings(row.type)) {
    faults.add('settings', `are not for providers of type ${row.type}`)
    return before
  }
  return checkSettings(faults, given, before, randomUUID)
}

interface NextKeys {
  readonly kept: readonly ProviderKeyRow[]
  readonly removed: readonly ProviderKeyRow[]
  readonly added: readonly string[]
}

/** The set of keys that a request describes (AG-100). */
function nextKeys(
  context: AppContext,
  faults: Faults,
  { row, keys }: ProviderWithKeys,
  settings: BedrockSettings | undefined,
  mutations: readonly AIProviderKeyMutation[] | undefined,
): NextKeys {
  const bare = row.type === 'copilot' || usesBedrock(row.type, settings)
  if (mutations === undefined) {
    if (bare && keys.length > 0) refuseKeys(faults, row.type)
    return { kept: keys, removed: [], added: [] }
  }
  if (bare && mutations.length > 0) refuseKeys(faults, row.type)
  if (mutations.length > MAX_KEYS) faults.add('api_keys', `must be at most ${MAX_KEYS}`)
  const keptIds = new Set<string>()
  const added: string[] = []
  for (const [index, { id, api_key: key }] of mutations.entries()) {
    const field = `api_keys[${index}]`
    if ((id === undefined) === (key === undefined))
      faults.add(field, 'must have exactly one of id and api_key')
    else if (id !== undefined) {
      if (!keys.some((known) => known.id === id.toLowerCase()))
        faults.add(field, 'is no key of this provider')
      else if (keptIds.has(id.toLowerCase())) faults.add(field, 'is given twice')
      keptIds.add(id.toLowerCase())
    } else if (key !== undefined) {
      checkKey(faults, field, key)
      if (added.includes(key)) faults.add(field, 'is given twice')
      added.push(key)
    }
  }
  const kept = keys.filter(({ id }) => keptIds.has(id))
  const known = new Set(kept.flatMap((one) => opened(context, one)))
  if (added.some((key) => known.has(key))) faults.add('api_keys', 'hold a key that the provider has already')
  return { kept, removed: keys.filter(({ id }) => !keptIds.has(id)), added }
}

function opened(context: AppContext, row: ProviderKeyRow): string[] {
  try {
    return [openKey(context, row)]
  } catch {
    return []
  }
}

/** Switches a provider off for good (AG-102). @throws ApiError 403, 400, 404. */
export async function deleteProvider(
  context: AppContext,
  actor: Actor,
  idOrName: string,
): Promise<{ readonly before: ProviderRow; readonly removed: readonly ProviderKeyRow[] }> {
  authorize(actor, 'delete', { type: 'ai_provider' })
  return context.database.transaction(async (tx) => {
    const found = await findProvider(actor, tx, providerName(idOrName), true)
    if (found === undefined) throw notFound()
    await deleteProviderKeys(
      actor,
      tx,
      found.row.id,
      found.keys.map(({ id }) => id),
    )
    await forgetTroubles(actor, tx, found.row.id)
    await removeProvider(actor, tx, found.row.id)
    return { before: found.row, removed: found.keys }
  })
}
