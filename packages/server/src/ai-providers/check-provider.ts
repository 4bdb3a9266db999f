import { type Actor, authorize } from '../authz/index.ts'
import type { AppContext } from '../context.ts'
import { getProvider } from './manage-providers.ts'
import { type ModelProvider, openForTest } from './provider.ts'
import { noteCheck } from './store/checks.ts'

/** A provider with its secrets, for somebody who may change it to have it tested. @throws ApiError 403, 400, 404. */
export async function checkedProvider(
  context: AppContext,
  actor: Actor,
  idOrName: string,
): Promise<ModelProvider> {
  authorize(actor, 'update', { type: 'ai_provider' })
  return openForTest(context, await getProvider(context, actor, idOrName))
}

/** Keeps how the test of a provider went, for those who look at it later (AG-B18). @throws ApiError 403. */
export function noteProviderCheck(
  { database }: Pick<AppContext, 'database'>,
  actor: Actor,
  providerId: string,
  outcome: { readonly ok: boolean; readonly error: string },
): Promise<void> {
  return noteCheck(actor, database.db, providerId, outcome)
}
