import * as contract from '@slipway/contract'
import { audited } from '../../audit/index.ts'
import type { AppContext } from '../../context.ts'
import { type BoundRoute, forSession } from '../../edge/index.ts'
import { notFound } from '../../errors/index.ts'
import {
  deleteCustomPrice,
  listPriceChanges,
  listPrices,
  type PriceChangeRow,
  type PriceRow,
  upsertPrices,
} from '../store/prices.ts'
import { pricedName, readPrices } from './prices.ts'

/** Longest list of prices, in bytes (AG-109). */
const BODY_LIMIT = 1024 * 1024
/** Changes on a page. */
const CHANGES = 100
/** Models that an entry of the audit log names. */
const MAX_NAMED = 100
/** What models cost (chapter 05 section 16.1). */
export function priceRoutes(context: AppContext): BoundRoute[] {
  const { db } = context.database
  return [
    forSession(contract.listAIModelPrices, async ({ actor, query }) =>
      (await listPrices(actor, db, named(query))).map(present),
    ),
    forSession(
      contract.upsertAIModelPrices,
      (incoming) =>
        audited(context, incoming, { type: 'ai_model_price', action: 'write' }, async (draft) => {
          const { actor, body } = incoming
          const changes = await upsertPrices(actor, db, 'custom', readPrices(body.prices))
          const [only, another] = changes
          if (only !== undefined && another === undefined)
            Object.assign(draft, {
              ...(only.before === null ? { action: 'create' } : { before: only.before }),
              after: only.after,
              target: targetOf(only.after),
            })
          // Of many there is one entry: their prices are in the history of each.
          else if (another !== undefined)
            Object.assign(draft, {
              resourceId: contract.NO_ID,
              target: `${changes.length} models`,
              additionalFields: { models: changes.slice(0, MAX_NAMED).map(({ after }) => targetOf(after)) },
            })
          return undefined
        }),
      { bodyLimit: BODY_LIMIT },
    ),
    forSession(contract.deleteAIModelPrice, (incoming) =>
      audited(context, incoming, { type: 'ai_model_price', action: 'delete' }, async (draft) => {
        const gone = await deleteCustomPrice(incoming.actor, db, named(incoming.query))
        if (gone === undefined) throw notFound()
        Object.assign(draft, { before: gone, target: targetOf(gone) })
        return undefined
      }),
    ),
    forSession(contract.listAIModelPriceChanges, async ({ actor, query }) => {
      const page = { limit: query.limit ?? CHANGES, offset: query.offset ?? 0 }
      return (await listPriceChanges(actor, db, named(query), page)).map(presentChange)
    }),
  ]
}

/** A search for a model by the name that its price has. */
function named<Query extends { readonly provider?: string | undefined; readonly model?: string | undefined }>(
  query: Query,
): Query {
  const { provider = '', model } = query
  return model === undefined ? query : { ...query, model: pricedName(provider, model) }
}

function targetOf({ provider, model }: Pick<PriceRow, 'provider' | 'model'>): string {
  return `${provider}/${model}`
}

function presentChange(row: PriceChangeRow): contract.AIModelPriceChange {
  const { user_id: id, username, name, avatar_url, changed_at: at, ...change } = row
  return {
    ...change,
    changed_at: at.toISOString(),
    changed_by:
      id === null || username === null
        ? null
        : { id, username, name: name ?? '', avatar_url: avatar_url ?? '' },
  }
}

function present(row: PriceRow): contract.AIModelPrice {
  return { ...row, created_at: row.created_at.toISOString(), updated_at: row.updated_at.toISOString() }
}
