import * as contract from '@slipway/contract'
import type { AppContext } from '../context.ts'
import { type BoundRoute, forSession } from '../edge/index.ts'
import { notFound } from '../errors/index.ts'
import { readPrices } from './prices.ts'
import { deleteCustomPrice, listPrices, type PriceRow, upsertPrices } from './store/prices.ts'

/** Longest list of prices, in bytes (AG-109). */
const BODY_LIMIT = 1024 * 1024

/** What models cost (chapter 05 section 16.1). */
export function priceRoutes({ database }: Pick<AppContext, 'database'>): BoundRoute[] {
  const { db } = database
  return [
    forSession(contract.listAIModelPrices, async ({ actor, query }) =>
      (await listPrices(actor, db, query)).map(present),
    ),
    forSession(
      contract.upsertAIModelPrices,
      async ({ actor, body }) => {
        await upsertPrices(actor, db, 'custom', readPrices(body.prices))
        return undefined
      },
      { bodyLimit: BODY_LIMIT },
    ),
    forSession(contract.deleteAIModelPrice, async ({ actor, query }) => {
      if (!(await deleteCustomPrice(actor, db, query))) throw notFound()
      return undefined
    }),
  ]
}

function present(row: PriceRow): contract.AIModelPrice {
  return { ...row, created_at: row.created_at.toISOString(), updated_at: row.updated_at.toISOString() }
}
