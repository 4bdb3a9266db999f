import type { AIProviderRouting, UpdateAIProviderRoutingRequest } from '@slipway/contract'
import {
  getProvider,
  type ModelProvider,
  type ModelProviders,
  type ProviderRow,
  wireFamilyOf,
} from '../ai-providers/index.ts'
import type { Actor } from '../authz/index.ts'
import type { AppContext } from '../context.ts'
import { badRequest, type Validation } from '../errors/index.ts'
import { MAX_NAMES } from './names.ts'
import { readStoredRouting } from './provider-routing.ts'
import { findRouting, holdRouting, storeRouting } from './store/routing.ts'

/** By which way requests to a provider go, as the API shows it. @throws ApiError 403, 400, 404. */
export async function getRouting(
  context: AppContext,
  actor: Actor,
  idOrName: string,
): Promise<AIProviderRouting> {
  const { row } = await getProvider(context, actor, idOrName)
  return readStoredRouting(await findRouting(actor, context.database.db, row.id))
}

/** A provider and its routing before and after a change. */
export interface RoutingChanged {
  readonly provider: ProviderRow
  readonly before: AIProviderRouting
  readonly after: AIProviderRouting
}

/**
 * Changes by which way requests to a provider go; what is left out stays.
 *
 * @throws ApiError 403, 404, 400 for providers that are not there or speak another wire.
 */
export async function updateRouting(
  context: AppContext,
  providers: ModelProviders,
  actor: Actor,
  idOrName: string,
  given: UpdateAIProviderRoutingRequest,
): Promise<RoutingChanged> {
  const { row: provider } = await getProvider(context, actor, idOrName)
  return context.database.transaction(async (tx) => {
    const before = readStoredRouting(await holdRouting(actor, tx, provider.id))
    await requireUsable(providers, provider, given)
    const after = { ...before, ...given }
    await storeRouting(actor, tx, provider.id, JSON.stringify(after))
    return { provider, before, after }
  })
}

async function requireUsable(
  providers: ModelProviders,
  provider: ProviderRow,
  { fallbacks = [], balance = [] }: UpdateAIProviderRoutingRequest,
): Promise<void> {
  const known = new Map(providers.list().map((one) => [one.name, one]))
  const named = [...fallbacks, ...balance]
  // One may have been made a moment ago on another replica.
  if (named.some(({ provider: name }) => !known.has(name))) {
    await providers.refresh()
    for (const one of providers.list()) known.set(one.name, one)
  }
  const faults: Validation[] = []
  for (const [list, entries] of Object.entries({ fallbacks, balance }))
    for (const [index, { provider: name, models = {} }] of entries.entries()) {
      const detail =
        entries.findIndex((other) => other.provider === name) < index
          ? 'is given twice'
          : faultOf(provider, name, known.get(name))
      if (detail !== undefined) faults.push({ field: `${list}[${index}].provider`, detail })
      if (Object.keys(models).length > MAX_NAMES)
        faults.push({ field: `${list}[${index}].models`, detail: `must be at most ${MAX_NAMES}` })
    }
  if (faults.length > 0)
    throw badRequest('Invalid routing of an AI provider.', {
      detail: faults.length === 1 ? faults[0]?.detail : undefined,
      validations: faults,
    })
}

function faultOf(provider: ProviderRow, name: string, other: ModelProvider | undefined): string | undefined {
  if (name === provider.name) return 'must be another provider'
  if (other === undefined) return 'there is no provider of this name'
  const family = wireFamilyOf(provider.type)
  return other.family === family ? undefined : `must be of the family ${family}, as this provider is`
}
