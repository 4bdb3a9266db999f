import * as contract from '@slipway/contract'
import { audited } from '../audit/index.ts'
import type { Actor } from '../authz/index.ts'
import type { AppContext } from '../context.ts'
import { type BoundRoute, forSession } from '../edge/index.ts'
import { notFound } from '../errors/index.ts'
import { type ApiKeyRow, getKey, getUser } from '../identity/index.ts'
import { keyLimitsStatus, presentKeyLimits, requireUnlimited } from './key-limits.ts'
import { requireNames } from './names.ts'
import { deleteKeyLimits, findKeyLimits, upsertKeyLimits } from './store/key-limits.ts'

/** What tokens may do at the gateway (AG-B8). */
export function keyRoutes(context: AppContext): BoundRoute[] {
  const { db } = context.database
  const keyOf = async (
    actor: Actor,
    { user = '', keyid = '' }: Readonly<Record<string, string>>,
  ): Promise<ApiKeyRow> => {
    const owner = await getUser(actor, db, user)
    const key = await getKey(actor, db, keyid)
    if (key.user_id !== owner.id) throw notFound()
    return key
  }

  return [
    forSession(contract.getAPIKeyAILimits, async ({ actor, params }) => {
      const key = await keyOf(actor, params)
      const limits = await findKeyLimits(actor, db, key)
      if (limits === undefined) throw notFound()
      return keyLimitsStatus(context, actor, key, limits)
    }),
    forSession(contract.upsertAPIKeyAILimits, (incoming) =>
      audited(context, incoming, { type: 'api_key', action: 'write' }, async (draft) => {
        const { actor, params, body, key: asking } = incoming
        const key = await keyOf(actor, params)
        const before = await findKeyLimits(actor, db, key)
        await requireUnlimited(db, { id: asking.id, user_id: asking.userId })
        requireNames(body)
        const after = await upsertKeyLimits(actor, db, key, body)
        draft.before = { ...key, ai_limits: before === undefined ? {} : presentKeyLimits(before) }
        draft.after = { ...key, ai_limits: presentKeyLimits(after) }
        return keyLimitsStatus(context, actor, key, after)
      }),
    ),
    forSession(contract.deleteAPIKeyAILimits, (incoming) =>
      audited(context, incoming, { type: 'api_key', action: 'write' }, async (draft) => {
        const { actor, params, key: asking } = incoming
        const key = await keyOf(actor, params)
        await requireUnlimited(db, { id: asking.id, user_id: asking.userId })
        const gone = await deleteKeyLimits(actor, db, key)
        if (gone === undefined) throw notFound()
        draft.before = { ...key, ai_limits: presentKeyLimits(gone) }
        draft.after = { ...key, ai_limits: {} }
        return undefined
      }),
    ),
  ]
}
