import * as contract from '@slipway/contract'
import { audited, recordChange } from '../audit/index.ts'
import type { Actor } from '../authz/index.ts'
import type { AppContext } from '../context.ts'
import { type BoundRoute, forSession } from '../edge/index.ts'
import { getUser } from '../identity/index.ts'
import { createProvider, deleteProvider, getProvider, updateProvider } from './manage-providers.ts'
import type { ModelProviders } from './model-providers.ts'
import { presentProvider } from './present.ts'
import { listChecks } from './store/checks.ts'
import {
  listProviders,
  type ProviderKeyRow,
  type ProviderRow,
  type ProviderWithKeys,
} from './store/providers.ts'
import { listTroubles } from './store/troubles.ts'
import { deleteUserKey, listUserKeys, putUserKey } from './user-keys.ts'

/** Model providers, for administrators, and the keys that users bring for them (chapter 05 section 15). */
export function aiProviderRoutes(context: AppContext, providers: ModelProviders): BoundRoute[] {
  const { db } = context.database
  const present = async (actor: Actor, provider: ProviderWithKeys): Promise<contract.AIProvider> =>
    presentProvider(context, provider, {
      check: (await listChecks(actor, db)).get(provider.row.id),
      troubles: await listTroubles(actor, db, provider.row.id),
    })
  const ownerOf = async (actor: Actor, { user = '' }: Readonly<Record<string, string>>): Promise<string> =>
    user === 'me' || user === actor.id ? actor.id : (await getUser(actor, db, user)).id

  return [
    forSession(contract.listAIProviders, async ({ actor }) => {
      const all = await listProviders(actor, db)
      const checks = await listChecks(actor, db)
      const troubles = Map.groupBy(await listTroubles(actor, db), ({ providerId }) => providerId)
      return all.map((provider) => {
        const { id } = provider.row
        return presentProvider(context, provider, { check: checks.get(id), troubles: troubles.get(id) ?? [] })
      })
    }),
    forSession(contract.createAIProvider, (incoming) =>
      audited(context, incoming, { type: 'ai_provider', action: 'create' }, async (draft) => {
        const { actor, body } = incoming
        const made = await createProvider(context, actor, body)
        draft.after = made.row
        await providers.refresh()
        for (const after of auditedKeys(made.row, made.keys))
          await recordChange(context, incoming, { type: 'ai_provider_key', action: 'create' }, { after })
        return present(actor, made)
      }),
    ),
    forSession(contract.getAIProvider, async ({ actor, params }) =>
      present(actor, await getProvider(context, actor, params.idOrName ?? '')),
    ),
    forSession(contract.updateAIProvider, (incoming) =>
      audited(context, incoming, { type: 'ai_provider', action: 'write' }, async (draft) => {
        const { actor, params, body } = incoming
        const changed = await updateProvider(context, actor, params.idOrName ?? '', body)
        const { before, after, added, removed, kept, keysOnly } = changed
        draft.before = before
        draft.after = after.row
        if (keysOnly)
          draft.additionalFields = {
            added: added.map(({ id, masked }) => ({ id, masked })),
            removed: removed.map(({ id, masked }) => ({ id, masked })),
            kept,
          }
        await providers.refresh()
        for (const key of auditedKeys(before, added))
          await recordChange(context, incoming, { type: 'ai_provider_key', action: 'create' }, { after: key })
        for (const key of auditedKeys(before, removed))
          await recordChange(
            context,
            incoming,
            { type: 'ai_provider_key', action: 'delete' },
            { before: key },
          )
        return present(actor, after)
      }),
    ),
    forSession(contract.deleteAIProvider, (incoming) =>
      audited(context, incoming, { type: 'ai_provider', action: 'delete' }, async (draft) => {
        const { actor, params } = incoming
        const { before, removed } = await deleteProvider(context, actor, params.idOrName ?? '')
        draft.before = before
        await providers.refresh()
        for (const key of auditedKeys(before, removed))
          await recordChange(
            context,
            incoming,
            { type: 'ai_provider_key', action: 'delete' },
            { before: key },
          )
        return undefined
      }),
    ),
    forSession(contract.listUserAIProviderKeys, async ({ actor, params }) =>
      listUserKeys(context, actor, await ownerOf(actor, params)),
    ),
    forSession(contract.putUserAIProviderKey, async ({ actor, params, body }) =>
      putUserKey(context, actor, await ownerOf(actor, params), params.provider ?? '', body),
    ),
    forSession(contract.deleteUserAIProviderKey, async ({ actor, params }) => {
      await deleteUserKey(context, actor, await ownerOf(actor, params), params.provider ?? '')
      return undefined
    }),
  ]
}

/** Keys as entries of the audit log show them (AG-103). */
function auditedKeys(provider: ProviderRow, keys: readonly ProviderKeyRow[]) {
  return keys.map(({ id, masked, created_at, updated_at }) => ({
    id,
    provider_id: provider.id,
    name: provider.name,
    api_key: masked,
    created_at,
    updated_at,
  }))
}
